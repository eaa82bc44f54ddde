import java.io.*;
import java.net.*;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.*;
import java.util.*;
import javax.net.ssl.*;

/** One TLS port per entry of a properties file; answers every request with one body. */
public class Server {
    public static void main(String[] args) throws Exception {
        // What an endpoint says is all that holds.
        Security.setProperty("jdk.tls.disabledAlgorithms", "");
        Security.setProperty("jdk.certpath.disabledAlgorithms", "");
        Properties p = new Properties();
        try (Reader r = new FileReader(args[0])) {
            p.load(r);
        }
        for (int i = 0; p.getProperty(i + ".port") != null; i++) {
            listen(p, i + ".");
        }
    }

    static void listen(Properties p, String k) throws Exception {
        int port = Integer.parseInt(p.getProperty(k + "port"));
        byte[] body = p.getProperty(k + "body", "ok").getBytes(StandardCharsets.UTF_8);
        String status = p.getProperty(k + "status", "200");
        InetAddress lo = InetAddress.getByName("127.0.0.1");
        ServerSocket ss = p.getProperty(k + "keystore") == null
            ? new ServerSocket(port, 50, lo)
            : secure(p, k, port, lo);
        Thread t = new Thread(() -> {
            while (true) {
                try {
                    Socket s = ss.accept();
                    new Thread(() -> serve(s, status, body)).start();
                } catch (IOException e) {
                    return;
                }
            }
        });
        t.start();
    }

    static ServerSocket secure(Properties p, String k, int port, InetAddress lo) throws Exception {
        char[] pass = "changeit".toCharArray();
        KeyStore ks = KeyStore.getInstance("PKCS12");
        try (InputStream in = new FileInputStream(p.getProperty(k + "keystore"))) {
            ks.load(in, pass);
        }
        KeyManagerFactory simple = KeyManagerFactory.getInstance("SunX509");
        simple.init(ks, pass);
        TrustManager[] tms = null;
        if (p.getProperty(k + "trust") != null) {
            KeyStore ts = KeyStore.getInstance("PKCS12");
            ts.load(null, null);
            try (InputStream in = new FileInputStream(p.getProperty(k + "trust"))) {
                int n = 0;
                for (Certificate c : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                    ts.setCertificateEntry("ca" + n++, c);
                }
            }
            TrustManagerFactory tmf = TrustManagerFactory.getInstance("PKIX");
            tmf.init(ts);
            tms = tmf.getTrustManagers();
        }
        SSLContext ctx = SSLContext.getInstance("TLS");
        ctx.init(simple.getKeyManagers(), tms, null);
        SSLServerSocket ss = (SSLServerSocket) ctx.getServerSocketFactory().createServerSocket(port, 50, lo);
        SSLParameters sp = ss.getSSLParameters();
        if (p.getProperty(k + "protocols") != null) {
            sp.setProtocols(p.getProperty(k + "protocols").split(","));
        }
        if (p.getProperty(k + "ciphers") != null) {
            sp.setCipherSuites(p.getProperty(k + "ciphers").split(","));
        }
        if (p.getProperty(k + "alpn") != null) {
            sp.setApplicationProtocols(p.getProperty(k + "alpn").split(","));
        }
        if (p.getProperty(k + "sni") != null) {
            sp.setSNIMatchers(List.of(SNIHostName.createSNIMatcher(p.getProperty(k + "sni"))));
        }
        if ("required".equals(p.getProperty(k + "auth"))) {
            sp.setNeedClientAuth(true);
        } else if ("optional".equals(p.getProperty(k + "auth"))) {
            sp.setWantClientAuth(true);
        }
        ss.setSSLParameters(sp);
        return ss;
    }

    static void serve(Socket s, String status, byte[] body) {
        try (s) {
            s.setSoTimeout(20000);
            BufferedReader in = new BufferedReader(new InputStreamReader(s.getInputStream(), StandardCharsets.ISO_8859_1));
            in.mark(1);
            if (in.read() < ' ') { // not HTTP; Tomcat says so too
                s.getOutputStream().write("HTTP/1.1 400 \r\nConnection: close\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1));
                return;
            }
            in.reset();
            String line;
            while ((line = in.readLine()) != null && !line.isEmpty()) {
            }
            if (line == null) {
                return;
            }
            OutputStream out = s.getOutputStream();
            out.write(("HTTP/1.1 " + status + " X\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: "
                + body.length + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
            out.write(body);
            out.flush();
        } catch (IOException e) {
            // the client's business
        }
    }
}
