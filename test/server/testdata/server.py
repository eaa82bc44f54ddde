"""A web server of Python's ssl per endpoint: python3 server.py endpoints.json"""
import http.server
import json
import ssl
import sys
import threading

VERSIONS = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1,
            "TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


class Server(http.server.ThreadingHTTPServer):
    context = None

    def finish_request(self, request, client_address):
        if self.context:  # the handshake belongs to the connection's own thread
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)


with open(sys.argv[1]) as f:
    endpoints = json.load(f)
for e in endpoints:
    server = Server(("127.0.0.1", e["port"]), Answer)
    if not e["plain"]:
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.minimum_version, c.maximum_version = VERSIONS[e["min"]], VERSIONS[e["max"]]
        c.set_ciphers(e["ciphers"])
        c.load_cert_chain(e["chain"], e["key"])
        if e["auth"]:
            c.load_verify_locations(e["ca"])
            c.verify_mode = ssl.CERT_REQUIRED if e["auth"] == "required" else ssl.CERT_OPTIONAL
        server.context = c
    threading.Thread(target=server.serve_forever).start()
