package session_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache/session"
)

// begins are the ways to begin a response.
func begins() map[string]func(w http.ResponseWriter) {
	return map[string]func(w http.ResponseWriter){
		"WriteHeader": func(w http.ResponseWriter) { w.WriteHeader(http.StatusCreated) },
		"Write":       func(w http.ResponseWriter) { _, _ = io.WriteString(w, "text") },
		"Flush":       func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"FlushError":  func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
		"ReadFrom":    func(w http.ResponseWriter) { _, _ = io.Copy(w, io.LimitReader(strings.NewReader("text"), 4)) },
		"Hijack":      func(w http.ResponseWriter) { _, _, _ = http.NewResponseController(w).Hijack() }, // a recorder has none
	}
}

func TestASessionIsStoredBeforeTheFirstByte(t *testing.T) {
	for name, begin := range begins() {
		t.Run(name, func(t *testing.T) {
			var s *service
			s = serve(t, nil, pages{"/": func(w http.ResponseWriter, r *http.Request) error {
				if err := session.Set(r.Context(), cart{[]string{"a"}}); err != nil {
					return err
				}
				s.wantUsers()
				begin(w)
				s.wantUsers("")
				for what, err := range map[string]error{
					"Set": session.Set(r.Context(), cart{}), "Save": session.From(r.Context()).Save(r.Context()), "Login": session.From(r.Context()).Login(r.Context(), "alice"),
					"Destroy": session.From(r.Context()).Destroy(r.Context()), "Renew": session.From(r.Context()).Renew(r.Context()),
				} {
					if !errors.Is(err, session.ErrCommitted) {
						t.Errorf("%s afterwards gives %v, want ErrCommitted", what, err)
					}
				}
				c, err := session.Get[cart](r.Context())
				if len(c.Items) != 1 {
					t.Errorf("afterwards the request reads %q", c.Items)
				}
				return err
			}})
			b := s.browser()
			if a := b.get("/"); len(a.cookies()) != 1 {
				t.Errorf("the response sets %q", a.cookies())
			}
			b.want(":a")
		})
	}
}

func TestASessionCannotBeReadForTheFirstTimeWhenTheResponseHasBegun(t *testing.T) {
	b := serve(t, nil, pages{"/late": func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "max-age=60")
		w.WriteHeader(http.StatusOK)
		if _, err := session.Get[cart](r.Context()); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("Get gives %v, want ErrCommitted: the response says that it may be cached", err)
		}
		return nil
	}}).browser()
	b.get("/add?item=a")
	if a := b.get("/late"); a.Header.Get("Cache-Control") != "max-age=60" {
		t.Errorf("the response has %v", a.Header)
	}
}

func TestAfterTheRequestASessionCannotBeChanged(t *testing.T) {
	s := serve(t, nil, nil)
	var r *http.Request // with the context of the other, when that is over
	s.browser().within(func(ctx context.Context) error {
		r = request(http.MethodGet, "/").WithContext(ctx)
		_, err := session.Get[cart](ctx)
		return err
	})
	if err := session.Set(r.Context(), cart{[]string{"a"}}); !errors.Is(err, session.ErrCommitted) {
		t.Errorf("Set gives %v, want ErrCommitted", err)
	}
	if _, err := session.Get[cart](r.Context()); err != nil {
		t.Errorf("what was read cannot be read on: %v", err)
	}
	s.wantUsers()
}

func TestNothingIsStoredWhereTheHandlerPanics(t *testing.T) {
	for _, value := range []any{"a text", http.ErrAbortHandler} {
		var kept *session.Session
		s := serve(t, nil, pages{"/panic": func(_ http.ResponseWriter, r *http.Request) error {
			kept = session.From(r.Context())
			if err := session.Set(r.Context(), cart{[]string{"a"}}); err != nil {
				return err
			}
			if err := session.From(r.Context()).Login(r.Context(), "alice"); err != nil {
				return err
			}
			panic(value)
		}})
		func() {
			defer func() {
				if got := recover(); got != value {
					t.Errorf("out of the middleware comes %v, want %v", got, value)
				}
			}()
			s.browser().get("/panic")
		}()
		s.wantUsers()
		if err := kept.Save(context.Background()); !errors.Is(err, session.ErrCommitted) {
			t.Errorf("Save after the panic gives %v, want ErrCommitted", err)
		}
		if keys := s.keys(); len(keys) > 0 {
			t.Errorf("the store has %q", keys)
		}
	}
}

func TestAResponseThatUsedTheSessionIsForThisVisitorAlone(t *testing.T) {
	header := func(fields ...string) func(http.ResponseWriter, *http.Request) error {
		return func(w http.ResponseWriter, r *http.Request) error {
			for i := 0; i < len(fields); i += 2 {
				w.Header().Add(fields[i], fields[i+1])
			}
			_, err := session.Get[cart](r.Context())
			return err
		}
	}
	s := serve(t, nil, pages{
		"/plain":     header(),
		"/cached":    header("Cache-Control", "public", "Cache-Control", "max-age=60", "Expires", "Thu, 01 Jan 2032 00:00:00 GMT", "Cdn-Cache-Control", "max-age=600", "Larder-Cache-Control", "max-age=6", "Surrogate-Control", "max-age=60", "Etag", `"1"`),
		"/varies":    header("Vary", "Accept, Accept-Encoding"),
		"/cookie":    header("Vary", "Accept", "Vary", "Origin, cookie"),
		"/all":       header("Vary", "*"),
		"/similar":   header("Vary", "X-Cookie"),
		"/their own": header("Set-Cookie", "theme=dark", "Set-Cookie", "a=b"),
	})
	for url, vary := range map[string]string{"/plain": "Cookie", "/cached": "Cookie", "/varies": "Accept, Accept-Encoding, Cookie", "/cookie": "Accept, Origin, cookie", "/all": "*", "/similar": "X-Cookie, Cookie", "/their%20own": "Cookie", "/add": "Cookie"} {
		a := s.browser().get(url)
		if got := strings.Join(a.Header.Values("Vary"), ", "); got != vary {
			t.Errorf("%s varies by %q, want %q", url, got, vary)
		}
		if got := a.Header.Values("Cache-Control"); !slices.Equal(got, []string{"no-store"}) {
			t.Errorf("%s has Cache-Control %q, want no-store", url, got)
		}
		for _, name := range []string{"Expires", "Cdn-Cache-Control", "Larder-Cache-Control", "Surrogate-Control"} {
			if got := a.Header.Get(name); got != "" {
				t.Errorf("%s has %s %q", url, name, got)
			}
		}
		if url == "/cached" && a.Header.Get("Etag") == "" {
			t.Error("the ETag has gone")
		}
		if url == "/their%20own" && strings.Join(a.cookies(), ",") != "theme=dark,a=b" {
			t.Errorf("the response sets %q, want the handler's cookies", a.cookies())
		}
	}
}

func TestAResponseThatDidNotUseTheSessionIsLeftAlone(t *testing.T) {
	s := serve(t, nil, pages{"/page": func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Cache-Control", "max-age=60")
		_, err := io.WriteString(w, "page")
		return err
	}})
	b := s.browser()
	b.get("/add?item=a")
	if a := b.get("/page"); a.Header.Get("Cache-Control") != "max-age=60" || a.Header.Get("Vary") != "" || len(a.cookies()) != 0 || a.body != "page" {
		t.Errorf("the response has %v", a.Header)
	}
}

func TestHandlersOwnCookiesStayBesideTheSessions(t *testing.T) {
	s := serve(t, nil, pages{"/both": func(w http.ResponseWriter, r *http.Request) error {
		http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark"})
		return session.Set(r.Context(), cart{[]string{"a"}})
	}})
	if a := s.browser().get("/both"); len(a.cookies()) != 2 || a.cookies()[0] != "theme=dark" {
		t.Errorf("the response sets %q", a.cookies())
	}
}

// overHTTP serves over a socket, where writers can do all that they can.
func (s *service) overHTTP() *httptest.Server {
	server := httptest.NewServer(s.handler)
	s.t.Cleanup(server.Close)
	return server
}

func TestEarlyHintsGoAtOnceAndBeginNothing(t *testing.T) {
	s := serve(t, nil, pages{"/": func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		err := session.Set(r.Context(), cart{[]string{"a"}})
		w.WriteHeader(http.StatusAccepted)
		return err
	}})
	var hints []int
	r := request(http.MethodGet, s.overHTTP().URL+"/").WithContext(httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
			hints = append(hints, code)
			if len(h["Set-Cookie"]) > 0 || h.Get("Link") == "" {
				t.Errorf("the hints have %v", h)
			}
			return nil
		},
	}))
	r.RequestURI = ""
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer closeIdle(res)
	if !slices.Equal(hints, []int{103}) || res.StatusCode != http.StatusAccepted || len(res.Cookies()) != 1 {
		t.Errorf("the hints are %v, the response is %s with %v", hints, res.Status, res.Header)
	}
}

func closeIdle(res *http.Response) {
	_ = res.Body.Close()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

func TestAStreamGoesOutAsItIsWritten(t *testing.T) {
	next := make(chan struct{})
	s := serve(t, nil, pages{"/": func(w http.ResponseWriter, r *http.Request) error {
		err := session.Set(r.Context(), cart{[]string{"a"}})
		_, _ = io.WriteString(w, "one\n")
		err = errors.Join(err, http.NewResponseController(w).Flush())
		<-next
		_, _ = io.Copy(w, strings.NewReader("two\n"))
		return err
	}})
	r := request(http.MethodGet, s.overHTTP().URL+"/")
	r.RequestURI = ""
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer closeIdle(res)
	body := bufio.NewReader(res.Body)
	if line, _ := body.ReadString('\n'); line != "one\n" || len(res.Cookies()) != 1 {
		t.Errorf("first comes %q with %v", line, res.Header)
	}
	close(next)
	if rest, _ := io.ReadAll(body); string(rest) != "two\n" {
		t.Errorf("then comes %q", rest)
	}
}

func TestAHijackedConnectionIsTheHandlers(t *testing.T) {
	s := serve(t, nil, pages{"/": func(w http.ResponseWriter, r *http.Request) error {
		if err := session.Set(r.Context(), cart{[]string{"a"}}); err != nil {
			return err
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return err
		}
		_, _ = rw.WriteString("by hand")
		return errors.Join(rw.Flush(), conn.Close())
	}})
	conn, err := net.Dial("tcp", s.overHTTP().Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if got, _ := io.ReadAll(conn); string(got) != "by hand" {
		t.Errorf("the client gets %q", got)
	}
	s.wantUsers("")
}

func TestOtherThingsOfTheWriterAreFoundBehindIt(t *testing.T) {
	w := httptest.NewRecorder()
	s := serve(t, nil, pages{"/": func(x http.ResponseWriter, _ *http.Request) error {
		if inner, ok := x.(interface{ Unwrap() http.ResponseWriter }); !ok || inner.Unwrap() != http.ResponseWriter(w) {
			t.Error("the writer does not unwrap to that of the server")
		}
		return nil
	}})
	s.handler.ServeHTTP(w, request(http.MethodGet, "/"))
}

func TestAHandlerThatWritesNothingHasA200WithItsCookie(t *testing.T) {
	s := serve(t, nil, nil)
	r := request(http.MethodHead, s.overHTTP().URL+"/add?item=a")
	r.RequestURI = ""
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer closeIdle(res)
	if res.StatusCode != http.StatusOK || len(res.Cookies()) != 1 {
		t.Errorf("%s with %v", res.Status, res.Header)
	}
	s.wantUsers("")
}

func TestTheContextIsTheRequestsOwn(t *testing.T) {
	s := serve(t, nil, nil)
	type key struct{}
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), key{}, "value"))
	s.handler = s.sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		inner, stop := context.WithCancel(r.Context())
		defer stop()
		if inner.Value(key{}) != "value" {
			t.Error("a value of the request's context is not found")
		}
		cancel()
		<-inner.Done()
	}))
	s.send(request(http.MethodGet, "/").WithContext(ctx))
}

func TestWhatAClientThatHasGoneWroteIsStored(t *testing.T) {
	s := serve(t, nil, nil)
	ctx, leave := context.WithCancel(context.Background())
	s.handler = s.sessions.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if err := session.Set(r.Context(), cart{[]string{"a"}}); err != nil {
			t.Error(err)
		}
		if err := session.From(r.Context()).Login(r.Context(), "alice"); err != nil {
			t.Error(err)
		}
		leave()
	}))
	s.send(request(http.MethodGet, "/").WithContext(ctx))
	s.wantUsers("alice")
}
