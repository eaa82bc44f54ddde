// Package web is the monitor's pages: it turns requests into calls of package
// service and answers into HTML. It decides nothing, keeps nothing but who listens
// for news, and works without JavaScript; with it, pages follow what happens.
//
//	pages := web.New(web.Options{Service: s, Keeper: keeper, Prefix: "/tls"})
//	srv.RegisterOnShutdown(pages.Close)
//
// # How a page is made
//
// A row of routes (routes.go) names its pattern, what one must be allowed to do,
// and the handler. A handler reads the request, calls the service and renders a
// template; an error that it returns becomes a page in words (errors.go).
//
//	func (s *Web) incident(w http.ResponseWriter, r *http.Request) error {
//		inc, err := s.Service.Incident(r.Context(), r.PathValue("id"))
//		if err != nil {
//			return err
//		}
//		return s.render(w, r, "incident", inc)
//	}
//
// templates/incident.html defines "title" and "main"; files in templates/part are
// for all pages. What a template sees is a view: the handler's data as .Data, who
// asks as .Who, whether something is allowed as .Can "incidents". Addresses are
// always written {{path "/incidents" .ID}}: that adds the prefix under which a
// proxy has the monitor, and escapes the parts. In Go it is s.path.
//
// A change is a POST that ends with s.done: a word of what was done, and a
// redirect. A form with a mistake is rendered again with status 422 and what was
// typed. What destroys something asks first, on a page of its own.
//
// # Live
//
// A region with data-live="happened" (something opened, ended or changed) or
// "checked" (any check came in) and an id is fetched again and morphed in when
// that was so, at most every few seconds. See events.go and static/app.js.
//
// # Rules
//
// The content security policy allows no inline script and no inline style: no
// style attribute, no on… attribute, SVG with presentation attributes or classes
// of app.css. A handler makes a bounded number of queries (see TestQueries).
package web
