package httpcache

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// same compares what is decoded, whatever memory it lies in.
func same(t *testing.T, raw []byte, before, after any) {
	t.Helper()
	all := cmp.AllowUnexported(response{}, field{}, terms{}, mark{}, index{})
	if d := cmp.Diff(before, after, all); d != "" {
		t.Errorf("%q: encoded anew it is another (-before +after):\n%s", raw, d)
	}
}

// FuzzRecord holds that any bytes are a record that is the same when it is sealed anew, or none, and that nothing panics on them.
func FuzzRecord(f *testing.F) {
	p := &response{key: "k", nonce: "n", status: 200, fields: []field{{name: "A", line: "1"}}, body: []byte("hello")}
	f.Add(p.encode())
	f.Add((&index{key: "k", nonce: "n", names: []string{"A"}, variants: map[string]time.Time{"v": time.Unix(1, 2)}}).encode())
	f.Add(encodeMark("v", time.Unix(1, 2)))
	lease, _ := newLease()
	f.Add(lease)
	f.Add([]byte(magic))
	f.Add([]byte(nil))
	long, _ := newLease() // whose head says that it is longer than all
	binary.LittleEndian.PutUint32(long[9:], 1<<31)
	binary.LittleEndian.PutUint32(long[5:], checksum(long[9:]))
	f.Add(long)
	f.Fuzz(func(t *testing.T, raw []byte) {
		k, head, body, ok := open(raw)
		if !ok {
			return
		}
		if again := seal(k, &writer{b: head}, body); !bytes.Equal(again, raw) {
			t.Errorf("%q is sealed anew as %q", raw, again)
		}
		for at := range raw {
			damaged := bytes.Clone(raw)
			damaged[at] ^= 1
			if _, _, _, ok := open(damaged); ok && at != len(magic) { // the kind has no sum: it is another's, or none
				t.Fatalf("%q, damaged at %d, is a record", raw, at)
			}
		}
	})
}

// FuzzResponse holds that any bytes are the head of a response that is the same when it is encoded anew, or of none.
func FuzzResponse(f *testing.F) {
	add := func(p *response) {
		_, head, body, _ := open(p.encode())
		f.Add(head, body)
	}
	add(&response{key: "k", status: 200})
	add(&response{
		key: "k", variant: "v", nonce: "n", status: 404, fields: []field{{name: "A", line: "1"}, {name: "A", line: "2", more: true}}, body: []byte("hello"),
		terms:    terms{lifetime: forever, staleWhileRevalidate: 1, staleIfError: 2, validate: true, neverStale: true, explicit: true, forAuthorization: true, forCookies: true},
		targeted: []string{"max-age=1"}, asked: time.Unix(1, 2), came: time.Unix(3, 4), age: 5, madeETag: true, marks: []mark{{"m", "v"}},
	})
	f.Add([]byte("\x05k"), []byte(nil))
	f.Add([]byte("\x01k\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), []byte(nil))
	f.Fuzz(func(t *testing.T, head, body []byte) {
		p, again := new(response), new(response)
		if !p.decode(head, body) {
			return
		}
		if p.status < 200 || p.status > 999 {
			t.Errorf("%q is a response of %d", head, p.status)
		}
		k, head2, body2, ok := open(p.encode())
		if !ok || k != isResponse || !again.decode(head2, body2) || !bytes.Equal(body, body2) {
			t.Fatalf("%q: encoded anew it is none", head)
		}
		p.body, again.body = nil, nil
		same(t, head, p, again)
	})
}

// FuzzIndex holds that any bytes are the head of an index that is the same when it is encoded anew, or of none, and that one more variant is listed
// within the bound.
func FuzzIndex(f *testing.F) {
	add := func(x *index) {
		_, head, _, _ := open(x.encode())
		f.Add(head, "v", 2)
		f.Add(head, "v", 100)
	}
	f.Add([]byte("\x01k\x01n\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "v", 2) // of more names than there can be
	add(&index{key: "k", nonce: "n"})
	add(&index{key: "k", nonce: "n", names: []string{"A", "B"}, variants: map[string]time.Time{"": time.Unix(1, 2), "v": {}, "w": time.Unix(9, 0)}})
	f.Fuzz(func(t *testing.T, head []byte, variant string, limit int) {
		x, ok := decodeIndex(head)
		if !ok {
			return
		}
		_, head2, _, _ := open(x.encode())
		again, ok := decodeIndex(head2)
		if !ok {
			t.Fatalf("%q: encoded anew it is none", head)
		}
		same(t, head, x, again)
		if limit < 1 {
			return
		}
		now := time.Unix(5, 0)
		added, gone := x.with(variant, now.Add(time.Second), limit, now)
		if _, ok := added.variants[variant]; !ok || len(added.variants) > limit {
			t.Errorf("%q with %q lists %v, of %d", head, variant, added.variants, limit)
		}
		for v, until := range added.variants {
			if v != variant && !until.After(now) {
				t.Errorf("%q with %q lists %q, whose time is over", head, variant, v)
			}
		}
		for _, v := range gone {
			if _, listed := added.variants[v]; listed || v == variant {
				t.Errorf("%q with %q lists %q, that is gone", head, variant, v)
			}
		}
		if d := cmp.Diff(again.variants, x.variants); d != "" {
			t.Errorf("%q has changed:\n%s", head, d)
		}
	})
}

// FuzzMark holds that any bytes are a mark that is the same when it is encoded anew, or none.
func FuzzMark(f *testing.F) {
	f.Add([]byte("\x01v\x02"))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, head []byte) {
		version, invalidated, ok := decodeMark(seal(isMark, &writer{b: head}, nil))
		if !ok {
			return
		}
		version2, invalidated2, ok := decodeMark(encodeMark(version, invalidated))
		if !ok || version2 != version || !invalidated2.Equal(invalidated) {
			t.Errorf("%q: %q of %v is encoded anew as %q of %v, %t", head, version, invalidated, version2, invalidated2, ok)
		}
	})
}

// FuzzTarget holds that two requests have one text only where scheme, host and request target are the same, and that a rule's own text is no URL's.
func FuzzTarget(f *testing.F) {
	f.Add(false, "a.example", "/a?b=1", false, "a.example", "/ab=1", "k")
	f.Add(false, "a.example:80", "/a%2Fb", true, "A.example:443", "/a/b", "/a/b")
	f.Add(true, "a", "/a?", true, "a", "/a", "u 5:https 1:a 2:/a")
	f.Add(false, "a 1:/", "/", false, "a", "/ 1:/", " 4:http 1:a 1:/")
	f.Add(false, "a", "http://b/x", false, "a", "/x", "")
	f.Add(false, "a", "//b/x", false, "b", "/x", "")
	f.Add(false, "a", "/a b\"<>", false, "a", "/a%20b%22%3C%3E", "")
	f.Fuzz(func(t *testing.T, tls1 bool, host1, uri1 string, tls2 bool, host2, uri2, key string) {
		one, name1 := asked(tls1, host1, uri1)
		two, name2 := asked(tls2, host2, uri2)
		if one == nil || two == nil {
			return
		}
		t1, ok1 := targetOf(nil, one, nil)
		t2, ok2 := targetOf([]byte("what was there before"), two, nil)
		if !ok1 || !ok2 {
			return
		}
		want := name1 == name2
		if got := t1.text() == t2.text(); got != want {
			t.Errorf("%q and %q have one text: %t, want %t: %q and %q", name1, name2, got, want, t1.text(), t2.text())
		}
		if got := t1.base == t2.base; got != want {
			t.Errorf("%q and %q have one key in the store: %t, want %t", name1, name2, got, want)
		}
		if own, ok := targetOf(nil, one, func(*http.Request) string { return key }); ok == (key == "") || ok && own.text() == t1.text() {
			t.Errorf("the rule's %q is %q, %t; that of the URL is %q", key, own.text(), ok, t1.text())
		}
		// What a middleware has made of the URL is told apart from what came.
		for _, path := range []string{"/changed" + one.URL.Path, uri1} {
			changed := one.Clone(t.Context())
			changed.URL.Path, changed.URL.RawPath = path, ""
			t3, ok := targetOf(nil, changed, nil)
			if same := path == one.URL.Path || strings.HasSuffix(name1[2], changed.URL.RequestURI()); ok && !same && t3.text() == t1.text() {
				t.Errorf("%q has one text with its URL changed to %q: %q", name1, changed.URL, t3.text())
			}
		}
	})
}

// asked returns a request as a server reads it, nil where it does not, and what it is for.
func asked(secure bool, host, uri string) (r *http.Request, name [3]string) {
	u, err := url.ParseRequestURI(uri)
	if err != nil || uri[0] != '/' { // the absolute form has tests of its own
		return nil, name
	}
	r = &http.Request{Method: http.MethodGet, Host: host, URL: u, RequestURI: uri, Header: make(http.Header)}
	name = [3]string{"http", normalHost(host, "http"), uri}
	if secure {
		r.TLS, name = &tls.ConnectionState{}, [3]string{"https", normalHost(host, "https"), uri}
	}
	return r, name
}

// FuzzSibling holds that what a field names is of the request's own origin, and is a URL that a client can ask for.
func FuzzSibling(f *testing.F) {
	for _, reference := range []string{"/y", "../y?z#f", "//a/y", "//b/y", "http://a:80/y", "http://u:p@a/y", "https://a/y", "mailto:a", "", "?", "/%2f%zz", `\\b\y`, "http:/y", "http:y"} {
		f.Add("/dir/x?q", reference)
	}
	f.Fuzz(func(t *testing.T, uri, reference string) {
		r, _ := asked(false, "a", uri)
		if r == nil || r.URL.Host != "" {
			return
		}
		s := sibling(r, reference)
		if s == nil {
			return
		}
		if s.Method != http.MethodGet || s.Host != r.Host || s.URL.Host != "" || s.URL.User != nil || s.URL.Fragment != "" || s.TLS != r.TLS {
			t.Errorf("%q of %q names %v of %q", reference, uri, s.URL, s.Host)
		}
		to, err := url.Parse(reference)
		if err != nil || to.Host != "" && normalHost(to.Host, "http") != "a" || to.Scheme != "" && to.Scheme != "http" {
			t.Errorf("%q is of another origin and names %v", reference, s.URL)
		}
	})
}
