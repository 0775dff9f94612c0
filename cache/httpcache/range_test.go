package httpcache_test

import (
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// RFC 9110 section 14, of a stored body of ten bytes.
func TestAPartOfAStoredResponse(t *testing.T) {
	const modified = "Fri, 31 Dec 1999 23:00:00 GMT"
	for _, c := range []struct {
		name    string
		asked   []string
		status  int
		body    string
		content string // Content-Range
	}{
		{"from one place to another", []string{"Range", "bytes=2-4"}, 206, "234", "bytes 2-4/10"},
		{"of one byte", []string{"Range", "bytes=0-0"}, 206, "0", "bytes 0-0/10"},
		{"from a place to the end", []string{"Range", "bytes=7-"}, 206, "789", "bytes 7-9/10"},
		{"of so many bytes before the end", []string{"Range", "bytes=-3"}, 206, "789", "bytes 7-9/10"},
		{"of more bytes before the end than there are", []string{"Range", "bytes=-30"}, 206, "0123456789", "bytes 0-9/10"},
		{"to a place beyond the end", []string{"Range", "bytes=7-30"}, 206, "789", "bytes 7-9/10"},
		{"from beyond the end is refused", []string{"Range", "bytes=10-"}, 416, "invalid range: failed to overlap\n", "bytes */10"},
		{"that makes no sense is refused", []string{"Range", "bytes=4-2"}, 416, "invalid range\n", ""},
		{"of more in all than there is is the whole", []string{"Range", "bytes=0-9,0-9,0-9"}, 200, "0123456789", ""},
		{"of its tag", []string{"Range", "bytes=2-4", "If-Range", `"1"`}, 206, "234", "bytes 2-4/10"},
		{"of its date", []string{"Range", "bytes=2-4", "If-Range", modified}, 206, "234", "bytes 2-4/10"},
		{"of another tag is the whole", []string{"Range", "bytes=2-4", "If-Range", `"2"`}, 200, "0123456789", ""},
		{"of its tag made weak is the whole, for the comparison is strong", []string{"Range", "bytes=2-4", "If-Range", `W/"1"`}, 200, "0123456789", ""},
		{"of another date is the whole", []string{"Range", "bytes=2-4", "If-Range", "Sat, 01 Jan 2000 00:00:00 GMT"}, 200, "0123456789", ""},
		{"is nothing where the client has the whole", []string{"Range", "bytes=2-4", "If-None-Match", `"1"`}, 304, "", ""},
		{"is there where the client has another", []string{"Range", "bytes=2-4", "If-None-Match", `"2"`}, 206, "234", "bytes 2-4/10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, saying("0123456789", "Cache-Control", "max-age=60", "Etag", `"1"`, "Last-Modified", modified, "Content-Type", "text/css"))
				s.get("/x")
				settle()
				a := s.get("/x", c.asked...)
				if a.StatusCode != c.status || a.body != c.body || a.Header.Get("Content-Range") != c.content || !a.isHit() {
					t.Errorf("%d %q %q %s, want %d %q %q", a.StatusCode, a.body, a.Header.Get("Content-Range"), a.status(), c.status, c.body, c.content)
				}
				if c.status == http.StatusPartialContent && (a.Header.Get("Etag") != `"1"` || a.Header.Get("Content-Type") != "text/css" || a.ContentLength != int64(len(c.body))) {
					t.Errorf("the part has %v", a.Header)
				}
			})
		})
	}
}

func TestManyPartsOfAStoredResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("0123456789", "Cache-Control", "max-age=60", "Content-Type", "text/css"))
		s.get("/x")
		settle()
		a := s.get("/x", "Range", "bytes=0-1, 4-5, -1")
		media, parameters, err := mime.ParseMediaType(a.Header.Get("Content-Type"))
		if a.StatusCode != http.StatusPartialContent || media != "multipart/byteranges" || err != nil || !a.isHit() {
			t.Fatalf("%d %v", a.StatusCode, a.Header)
		}
		var got []string
		for parts := multipart.NewReader(strings.NewReader(a.body), parameters["boundary"]); ; {
			part, err := parts.NextPart()
			if err != nil {
				break
			}
			body, _ := io.ReadAll(part)
			got = append(got, part.Header.Get("Content-Type")+" "+part.Header.Get("Content-Range")+" "+string(body))
		}
		if d := cmp.Diff([]string{"text/css bytes 0-1/10 01", "text/css bytes 4-5/10 45", "text/css bytes 9-9/10 9"}, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// A range that the cache does not know, and HEAD, which has none (RFC 9110 section 14.2), are answered as if there were none.
func TestWhatIsNoRangeIsIgnored(t *testing.T) {
	for _, c := range []struct{ name, method, value, body string }{
		{"another unit", http.MethodGet, "lines=1-2", "0123456789"},
		{"HEAD", http.MethodHead, "bytes=1-2", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, saying("0123456789", "Cache-Control", "max-age=60"))
				s.get("/x")
				settle()
				if a := s.do(c.method, "/x", "Range", c.value); a.StatusCode != http.StatusOK || a.body != c.body || a.ContentLength != 10 || !a.isHit() {
					t.Errorf("%d %q %d %s", a.StatusCode, a.body, a.ContentLength, a.status())
				}
			})
		})
	}
}

// The handler may know ranges; what it sends then is a part, and no key knows of which.
func TestARangeThatMissesIsForTheHandlerAndNotStored(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
	}{
		{"where it knows ranges", 206, "234"},
		{"where it does not", 200, "0123456789"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Range") != "bytes=2-4" || r.Header.Get("If-Range") != `"1"` {
						t.Errorf("the handler saw %v", r.Header)
					}
					answering(c.status, c.body, "Cache-Control", "max-age=60")(w, r)
				})
				for range 2 {
					if a := s.get("/x", "Range", "bytes=2-4", "If-Range", `"1"`); a.StatusCode != c.status || a.body != c.body || a.status() != "larder; fwd=uri-miss" {
						t.Errorf("%d %q %s", a.StatusCode, a.body, a.status())
					}
					settle()
				}
			})
		})
	}
}

func TestARangeOfAStaleResponse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, tagged(`"1"`, "Cache-Control", "max-age=10"))
		a := s.after(20*time.Second, "Range", "bytes=1-2")
		if a.StatusCode != http.StatusPartialContent || a.body != "el" || a.status() != "larder; fwd=stale; fwd-status=304; ttl=10; stored" {
			t.Errorf("where it holds, it is %d %q %s", a.StatusCode, a.body, a.status())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Etag", `"1"`, "Cache-Control", "max-age=10"))
		a := s.after(20*time.Second, "Range", "bytes=1-2")
		if a.StatusCode != http.StatusOK || a.body != "hello" || a.status() != "larder; fwd=stale; ttl=10; stored" {
			t.Errorf("where it holds no more, it is %d %q %s", a.StatusCode, a.body, a.status())
		}
		if a := s.get("/x", "Range", "bytes=1-2"); a.StatusCode != http.StatusPartialContent || a.body != "el" || !a.isHit() {
			t.Errorf("the next is %d %q %s", a.StatusCode, a.body, a.status())
		}
	})
}
