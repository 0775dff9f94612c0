package httpcache_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/httpcache"
)

// RFC 9111 section 3.2: a 304 replaces the fields that it has, but for those about the body, which stays the stored one.
func TestA304AndAStoredField(t *testing.T) {
	for _, c := range []struct {
		name     string
		field    string
		old, new string // "" is absent
		want     string
		asker    string // what the client gets whose request made the handler be asked
	}{
		{"that it has is replaced", "X-Any", "old", "new", "new", "new"},
		{"that it has not stays", "X-Any", "old", "", "old", "old"},
		{"that only it has is added", "X-Any", "", "new", "new", "new"},
		{"of freshness is replaced", "Expires", "Sat, 01 Jan 2000 01:00:00 GMT", "Sat, 01 Jan 2000 02:00:00 GMT", "Sat, 01 Jan 2000 02:00:00 GMT", "Sat, 01 Jan 2000 02:00:00 GMT"},
		{"of the page is replaced", "Content-Security-Policy", "default-src 'self'", "default-src b.example", "default-src b.example", "default-src b.example"},
		{"Content-Location is replaced", "Content-Location", "/a", "/b", "/b", "/b"},
		{"Content-Language is replaced", "Content-Language", "en", "de", "de", "de"},
		{"Date is replaced", "Date", "Sat, 01 Jan 2000 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:20 GMT", "Sat, 01 Jan 2000 00:00:20 GMT", "Sat, 01 Jan 2000 00:00:20 GMT"},
		{"Date is that of the 304 though it has none", "Date", "Sat, 01 Jan 2000 00:00:00 GMT", "", "Sat, 01 Jan 2000 00:00:20 GMT", "Sat, 01 Jan 2000 00:00:20 GMT"},
		{"Content-Type is replaced", "Content-Type", "text/css", "text/css; charset=utf-8", "text/css; charset=utf-8", "text/css; charset=utf-8"},
		{"Content-Encoding stays", "Content-Encoding", "x", "gzip", "x", "x"},
		{"Content-Length stays", "Content-Length", "5", "7", "5", "5"},
		{"Content-MD5 stays", "Content-MD5", "a", "b", "a", "a"},
		{"Content-Digest stays", "Content-Digest", "a", "b", "a", "a"},
		{"Content-Range is not added", "Content-Range", "", "bytes 0-0/5", "", ""},
		{"Etag stays, for a weak one says less", "Etag", `"1"`, `W/"1"`, `"1"`, `"1"`},
		{"Set-Cookie is for whoever asked", "Set-Cookie", "", "id=1", "", "id=1"},
		{"a request's name is for whoever asked", "X-Request-Id", "", "1", "", "1"},
		{"that no-cache names is for whoever asked", "X-User", "", "bob", "", "bob"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				with := func(value string, fields ...string) []string {
					if value == "" {
						return fields
					}
					return append(fields, c.field, value)
				}
				old := with(c.old, "Cache-Control", `max-age=10, no-cache="x-user"`)
				if c.field != "Etag" {
					old = append(old, "Etag", `"1"`)
				}
				s := serve(t, nil, script(saying("hello", old...), holds(with(c.new)...)))
				asker := s.after(20 * time.Second)
				next := s.get("/x")
				if asker.status() != "larder; fwd=stale; fwd-status=304; ttl=10; stored" || !next.isHit() || asker.body != "hello" || next.body != "hello" {
					t.Errorf("%q %s, then %q %s", asker.body, asker.status(), next.body, next.status())
				}
				if got := asker.Header.Get(c.field); got != c.asker {
					t.Errorf("who had it validated gets %q, want %q", got, c.asker)
				}
				if got := next.Header.Get(c.field); got != c.want {
					t.Errorf("the next gets %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestA304SaysHowLongAResponseIsFreshFromNowOn(t *testing.T) {
	for _, c := range []struct {
		name   string
		stored []string
		fields []string
		want   time.Duration
	}{
		{"as long as before where it says nothing", []string{"Cache-Control", "max-age=10"}, nil, 10 * time.Second},
		{"as long as it says", []string{"Cache-Control", "max-age=10"}, []string{"Cache-Control", "max-age=30"}, 30 * time.Second},
		{"less the age that it came with", []string{"Cache-Control", "max-age=10"}, []string{"Cache-Control", "max-age=30", "Age", "12"}, 18 * time.Second},
		{"not less the age that the stored one came with", []string{"Cache-Control", "max-age=10", "Age", "5"}, nil, 10 * time.Second},
		{"as its Expires has it, without the stored Cache-Control's doing", []string{"Expires", "Sat, 01 Jan 2000 00:00:10 GMT"}, []string{"Expires", "Sat, 01 Jan 2000 00:01:00 GMT"}, 40 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, script(saying("hello", append(c.stored, "Etag", `"1"`)...), holds(c.fields...)))
				if a := s.after(20 * time.Second); a.body != "hello" {
					t.Fatalf("%d %q %s", a.StatusCode, a.body, a.status())
				}
				<-time.After(c.want - time.Second)
				if a := s.get("/x"); !a.isHit() {
					t.Errorf("a second before its end: %s", a.status())
				}
				<-time.After(time.Second)
				if a := s.get("/x"); a.isHit() {
					t.Errorf("at its end: %s", a.status())
				}
			})
		})
	}
}

// A response may hold and yet be nothing to keep any more, and nothing to give to anybody else.
func TestA304ThatForbidsToKeepTheResponse(t *testing.T) {
	for _, c := range []struct {
		name   string
		fields []string
		asked  []string
		why    string
	}{
		{"by no-store", []string{"Cache-Control", "no-store"}, nil, "no-store"},
		{"by private", []string{"Cache-Control", "private"}, nil, "private"},
		{"by Vary", []string{"Vary", "*"}, nil, "vary"},
		{"by allowing the origin that asked", []string{"Access-Control-Allow-Origin", "http://b.example"}, []string{"Origin", "http://b.example"}, "origin"},
		{"by allowing no more that it is given to who is authorized", []string{"Cache-Control", "max-age=10"}, []string{"Authorization", "x"}, "credentials"},
		{"by allowing no more that it is given to who has a cookie", []string{"Cache-Control", "max-age=10"}, []string{"Cookie", "id=1"}, "credentials"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, script(saying("old", "Etag", `"1"`, "Cache-Control", "public, max-age=10"), holds(c.fields...), saying("new")))
				a := s.after(20*time.Second, c.asked...)
				if got, want := a.status(), "larder; fwd=stale; fwd-status=304; detail="+c.why; got != want || a.body != "old" || a.StatusCode != http.StatusOK {
					t.Errorf("%d %q %s, want %s", a.StatusCode, a.body, got, want)
				}
				if a := s.get("/x"); a.body != "new" || a.status() != "larder; fwd=uri-miss; detail=freshness" {
					t.Errorf("the next gets %q %s", a.body, a.status())
				}
			})
		})
	}
}

func TestWhatAllowsAResponseToBeStoredDoesSoAfterA304(t *testing.T) {
	for _, c := range []struct {
		name   string
		stored []string
		asked  []string
	}{
		{"must-understand with no-store", []string{"Cache-Control", "must-understand, no-store, max-age=10"}, nil},
		{"Vary: Cookie", []string{"Cache-Control", "max-age=10", "Vary", "Cookie"}, []string{"Cookie", "id=1"}},
		{"public", []string{"Cache-Control", "public, max-age=10"}, []string{"Authorization", "x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, &httpcache.Options{}, script(saying("hello", append(c.stored, "Etag", `"1"`)...), holds()))
				s.get("/x", c.asked...)
				settle()
				<-time.After(20 * time.Second)
				first := s.get("/x", c.asked...)
				settle()
				if second := s.get("/x", c.asked...); first.status() != "larder; fwd=stale; fwd-status=304; ttl=10; stored" || second.status() != "larder; hit; ttl=10" {
					t.Errorf("%s, then %s", first.status(), second.status())
				}
			})
		})
	}
}

func TestA304MayVaryByMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, script(saying("hello", "Etag", `"1"`, "Cache-Control", "max-age=10"), holds("Vary", "A"), saying("new", "Cache-Control", "max-age=10", "Vary", "A")))
		s.after(20*time.Second, "A", "1")
		if a := s.get("/x", "A", "1"); !a.isHit() || a.body != "hello" {
			t.Errorf("with the same value %q %s", a.body, a.status())
		}
		if a := s.get("/x", "A", "2"); a.isHit() || a.body != "new" {
			t.Errorf("with another %q %s", a.body, a.status())
		}
	})
}
