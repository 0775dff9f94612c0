package httpcache_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larder-go/larder/internal/wait"
)

// mirror answers with all that a handler may take a request to be about.
func mirror(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "max-age=3600")
	body, _ := io.ReadAll(r.Body)
	u := *r.URL
	if u.Scheme == "http" { // of the connection
		u.Scheme = ""
	}
	_, _ = fmt.Fprintf(w, "method %q host %q scheme %q user %q path %q raw path %q escaped %q query %q force %v fragment %q form %q body %q",
		r.Method, plainHost(r.Host), u.Scheme, u.User, u.Path, u.RawPath, u.EscapedPath(), u.RawQuery, u.ForceQuery, u.Fragment, r.FormValue("b"), body)
}

// plainHost is what a host means: neither its case nor the scheme's own port make another of it (RFC 9110 section 4.2.3).
func plainHost(host string) string { return strings.TrimSuffix(strings.ToLower(host), ":80") }

// exchange sends what it is given to a server, byte for byte, and returns the first response's status and body.
func exchange(t *testing.T, server *httptest.Server, raw string) (status int, body, cacheStatus string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, raw); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(raw, " ")
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	return res.StatusCode, string(b), res.Header.Get("Cache-Status")
}

// rawGet is a GET of a request target, with more lines of the header.
func rawGet(target string, lines ...string) string {
	if !strings.Contains(strings.Join(lines, "\n"), "Host:") {
		lines = append([]string{"Host: a.example"}, lines...)
	}
	return "GET " + target + " HTTP/1.1\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// lookalikes are requests of which any two might be taken for one.
func lookalikes() []string {
	var all []string
	for _, target := range []string{
		"/", "/a", "/A", "/a/", "//a", "/./a", "/b/../a", "/a/.", "/a/..", "/a/../", "/a%2F", "/a%2f", "/%61", "/a%20", "/a+", "/a;", "/a;b", "/a;b=1", "/a%3Bb",
		"/ab=1", "/a?b=1", "/a?b=1&", "/a?&b=1", "/a?b=1&b=2", "/a?b=2&b=1", "/a?b=%31", "/a?B=1", "/a?b", "/a?b=", "/a?", "/a??", "/a%3Fb=1", "/a?b=1#", "/a%23", "/a?b=1;c=2", "/a?b=1%26c=2", "/a?b=1&c=2",
		"/a%00", "/a%0d%0aX:1", "/a%0D%0AX:1", "/a%", "/a%zz", "/a\"b", "/a%22b", "/a<b", "/a%3Cb", "/a|b", "/a\\b", "/a%5Cb", "/\xc3\xa4", "/%C3%A4", "/%c3%a4", "/a,b", "/a%2Cb", "/a@b", "/a:80", "/a.", "/a*", "/*", "*",
		"/a.example/a", "//a.example/a", "//b.example/a", "///a", "/http://a.example/a", "http://a.example/a", "HTTP://a.example/a", "http://a.example", "http://a.example/", "http://a.example?", "http://a.example/?",
		"http://a.example?b=1", "http://a.example/a?b=1", "http://a.example/a?", "http://A.EXAMPLE/a", "http://a.example:80/a", "http://a.example:81/a", "http://b.example/a", "http://a.example/a\"b", "http://a.example/a%22b",
		"http://a.example/a<b", "http://a.example//a", "http://a.example/%61", "https://a.example/a", "ftp://a.example/a", "javascript://a.example/a", "http://user@a.example/a", "http://user:secret@a.example/a", "http://a.example./a",
		"http://a.example:/a", "http://a.example/a#b", "http://a.example%2Fa", "http:///a", "http:/a", "http:a", "a", "?", "?b=1", "", "/ 4:http 9:a.example", "/a 0:", "/a%204:http",
		"/" + strings.Repeat("a", 4000), "/" + strings.Repeat("a", 4001), "/" + strings.Repeat("a", 20000), "/" + strings.Repeat("a", 20001), "/a?" + strings.Repeat("b", 4000), "/a" + strings.Repeat("?", 4000),
	} {
		all = append(all, rawGet(target))
	}
	for _, host := range []string{"a.example.", "A.Example", "a.example:80", "a.example:81", "a.example:443", "a.example:", "a.example:080", "b.example", "", "[::1]", "[::1]:80", "xn--4ca.example", "a.example/a", "a.example?b", "a.example@b", "user@a.example", " a.example", "a.example, b.example", "a.example\x00", "a.exam\x7fple", "a.example#", "a.example 80"} {
		all = append(all, rawGet("/a", "Host: "+host), rawGet("/", "Host: "+host))
	}
	return append(all,
		rawGet("/a", "Host: a.example", "Host: b.example"),
		rawGet("/a", "Host: a.example", "Host: a.example"),
		rawGet("http://a.example/a", "Host: b.example"),
		rawGet("http://b.example/a", "Host: a.example"),
		"GET /a HTTP/1.1\r\n\r\n",
		"GET /a HTTP/1.0\r\n\r\n",
		"GET /a HTTP/1.0\r\nHost: a.example\r\n\r\n",
		rawGet("/a", "Content-Length: 3")+"b=1",
		rawGet("/a", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 3")+"b=7",
		rawGet("/a", "Transfer-Encoding: chunked")+"3\r\nb=9\r\n0\r\n\r\n",
		rawGet("/a", "Content-Length: 0"),
		rawGet("/a", "Content-Length: 3", "Transfer-Encoding: chunked")+"0\r\n\r\n",
		rawGet("/a", "Content-Length: 3", "Content-Length: 4")+"b=11",
		rawGet("/a", "Content-Length: 40")+"GET /evil HTTP/1.1\r\nHost: a.example\r\n\r\n\r\n",
		"GET /a  HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"GET  /a HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"GET /a\tb HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"GET /a\x00 HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"GET /a\x0b HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"GET /a\x7f HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"GET /a\x80\xff HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"get /a HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: a.example\r\n X: folded\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"OPTIONS /a HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n\r\n",
		"CONNECT /a HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"TRACE /a HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"POST /other HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nb=1",
		"PRI * HTTP/1.1\r\nHost: a.example\r\n\r\n",
		"QUERY /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3\r\n\r\nb=1",
	)
}

func TestNoRequestIsAnsweredAsAnother(t *testing.T) {
	s := serve(t, nil, mirror)
	plain, cached := httptest.NewServer(http.HandlerFunc(mirror)), httptest.NewServer(s.handler)
	defer plain.Close()
	defer cached.Close()
	hits := 0
	for round := range 3 {
		for _, raw := range lookalikes() {
			wantStatus, want, _ := exchange(t, plain, raw)
			status, body, told := exchange(t, cached, raw)
			if strings.Contains(told, "; hit") {
				hits++
			}
			if status != wantStatus || body != want {
				t.Errorf("round %d, %.200q\n\tgets %d %.300q\n\twant %d %.300q\n\tCache-Status: %s", round, raw, status, body, wantStatus, want, told)
			}
		}
	}
	if hits < 50 {
		t.Errorf("only %d requests were answered from what is stored", hits)
	}
}

func TestTheSameURLWrittenDifferentlyIsOne(t *testing.T) {
	s := serve(t, nil, mirror)
	server := httptest.NewServer(s.handler)
	defer server.Close()
	for _, tt := range []struct{ first, second string }{
		{rawGet("/a?b=1"), rawGet("/a?b=1", "Host: A.Example")},
		{rawGet("/c"), rawGet("/c", "Host: a.example:80")},
		{rawGet("/d?"), rawGet("/d?", "User-Agent: other")},
		{rawGet("/e"), "GET /e HTTP/1.0\r\nHost: a.example\r\n\r\n"},
		{rawGet("/f"), rawGet("/f", "Content-Length: 0")},
	} {
		wait.Until(t, func() bool {
			_, _, told := exchange(t, server, tt.first)
			return strings.Contains(told, "hit")
		})
		if _, _, told := exchange(t, server, tt.second); !strings.Contains(told, "hit") {
			t.Errorf("after %q, %q has Cache-Status: %s", tt.first, tt.second, told)
		}
	}
}

func TestTheAbsoluteFormInvalidatesAndReadsWhatTheOtherDoes(t *testing.T) {
	s := serve(t, nil, func(w http.ResponseWriter, _ *http.Request) { saying("page", "Cache-Control", "max-age=3600")(w, nil) })
	server := httptest.NewServer(s.handler)
	defer server.Close()
	hit := func(raw string) bool {
		_, _, told := exchange(t, server, raw)
		return strings.Contains(told, "hit")
	}
	wait.Until(t, func() bool { return hit(rawGet("/a?b=1")) })
	if !hit(rawGet("http://a.example/a?b=1")) || !hit(rawGet("http://A.example:80/a?b=1")) {
		t.Error("the absolute form is not answered from what is stored")
	}
	exchange(t, server, "POST http://a.example/a?b=1 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n")
	if hit(rawGet("/a?b=1")) {
		t.Error("a POST in the absolute form does not invalidate")
	}
}
