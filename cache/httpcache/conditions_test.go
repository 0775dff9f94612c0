package httpcache_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a client says that it has already, of a stored response with the tag "1", modified at 23:00, that came at midnight.
func TestAConditionalRequestIsAnswered(t *testing.T) {
	const (
		before   = "Fri, 31 Dec 1999 22:59:59 GMT"
		modified = "Fri, 31 Dec 1999 23:00:00 GMT"
		later    = "Fri, 31 Dec 1999 23:00:01 GMT"
	)
	strong, weak := []string{"Etag", `"1"`}, []string{"Etag", `W/"1"`}
	dated := []string{"Last-Modified", modified}
	for _, c := range []struct {
		name   string
		stored []string
		asked  []string
		want   int
	}{
		{"whole where there is no condition", strong, nil, 200},
		{"304 to its tag", strong, []string{"If-None-Match", `"1"`}, 304},
		{"304 to its tag made weak, for the comparison is weak", strong, []string{"If-None-Match", `W/"1"`}, 304},
		{"304 to its weak tag", weak, []string{"If-None-Match", `W/"1"`}, 304},
		{"304 to its weak tag made strong", weak, []string{"If-None-Match", `"1"`}, 304},
		{"304 to any tag", strong, []string{"If-None-Match", "*"}, 304},
		{"304 to its tag in a list", strong, []string{"If-None-Match", `"0", W/"1" ,"2"`}, 304},
		{"304 to its tag after one with a comma", strong, []string{"If-None-Match", `"0,", "1"`}, 304},
		{"304 to its tag on another line", strong, []string{"If-None-Match", `"0"`, "If-None-Match", `"1"`}, 304},
		{"whole to another tag", strong, []string{"If-None-Match", `"2"`}, 200},
		{"whole to its tag in another case", []string{"Etag", `"a"`}, []string{"If-None-Match", `"A"`}, 200},
		{"whole to what has its tag within", strong, []string{"If-None-Match", `"11", "x,"1""`}, 200},
		{"whole to its tag without quotes", strong, []string{"If-None-Match", `1`}, 200},
		{"whole to no tag", strong, []string{"If-None-Match", ``}, 200},
		{"304 to its date", dated, []string{"If-Modified-Since", modified}, 304},
		{"304 to a later date", dated, []string{"If-Modified-Since", later}, 304},
		{"304 to its date in the form of RFC 850", dated, []string{"If-Modified-Since", "Friday, 31-Dec-99 23:00:00 GMT"}, 304},
		{"whole to an earlier date", dated, []string{"If-Modified-Since", before}, 200},
		{"whole to what is no date", dated, []string{"If-Modified-Since", "now"}, 200},
		{"whole to two dates, which are none", dated, []string{"If-Modified-Since", later, "If-Modified-Since", later}, 200},
		{"304 to when it came where it has no date of its own", strong, []string{"If-Modified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"}, 304},
		{"whole to a time before it came where it has no date of its own", strong, []string{"If-Modified-Since", "Fri, 31 Dec 1999 23:59:59 GMT"}, 200},
		{"304 to its tag, whatever the date", append(strong, dated...), []string{"If-None-Match", `"1"`, "If-Modified-Since", before}, 304},
		{"whole to another tag, whatever the date", append(strong, dated...), []string{"If-None-Match", `"2"`, "If-Modified-Since", later}, 200},
		{"whole to no tag at all, whatever the date", append(strong, dated...), []string{"If-None-Match", "", "If-Modified-Since", later}, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, saying("hello", append(c.stored, "Cache-Control", "max-age=60")...))
				s.get("/x")
				settle()
				for _, method := range []string{http.MethodGet, http.MethodHead} {
					a := s.do(method, "/x", c.asked...)
					if a.StatusCode != c.want || !a.isHit() {
						t.Errorf("%s: %d %s, want %d", method, a.StatusCode, a.status(), c.want)
					}
					if whole := a.body == "hello"; whole != (c.want == 200 && method == http.MethodGet) {
						t.Errorf("%s: the body is %q", method, a.body)
					}
				}
			})
		})
	}
}

// A miss brings the whole response, which is stored, and the client gets what it asked for.
func TestAConditionalRequestThatMisses(t *testing.T) {
	for _, c := range []struct {
		name   string
		asked  []string
		want   int
		status string
	}{
		{"gets 304 by the handler's tag", []string{"If-None-Match", `"1"`}, 304, "larder; fwd=uri-miss; fwd-status=200; ttl=60; stored"},
		{"gets 304 by the handler's date", []string{"If-Modified-Since", "Fri, 31 Dec 1999 23:00:00 GMT"}, 304, "larder; fwd=uri-miss; fwd-status=200; ttl=60; stored"},
		{"gets it whole where the client has another", []string{"If-None-Match", `"2"`}, 200, "larder; fwd=uri-miss; ttl=60; stored"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					if len(r.Header) > 0 {
						t.Errorf("the handler saw %v", r.Header)
					}
					saying("hello", "Etag", `"1"`, "Last-Modified", "Fri, 31 Dec 1999 23:00:00 GMT", "Cache-Control", "max-age=60")(w, r)
				})
				if a := s.get("/x", c.asked...); a.StatusCode != c.want || a.status() != c.status || (a.body == "hello") != (c.want == 200) {
					t.Errorf("%d %q %q, want %d %q", a.StatusCode, a.body, a.status(), c.want, c.status)
				}
				settle()
				if a := s.get("/x"); !a.isHit() || a.StatusCode != http.StatusOK || a.body != "hello" {
					t.Errorf("the next gets %d %q %s", a.StatusCode, a.body, a.status())
				}
			})
		})
	}
}

func TestTheTagThatTheCacheMadeIsGoodForAClientThatMisses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Cache-Control", "max-age=60"))
		tag := s.get("/x").Header.Get("Etag")
		settle()
		<-time.After(2 * time.Minute)
		if a := s.get("/x", "If-None-Match", tag); tag == "" || a.StatusCode != http.StatusNotModified || a.status() != "larder; fwd=uri-miss; fwd-status=200; ttl=60; stored" {
			t.Errorf("%s: %d %s", tag, a.StatusCode, a.status())
		}
	})
}

func TestTheTagThatTheCacheMakesIsOfTheBodyAndOfWhatItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tags := make(map[string]bool)
		for _, c := range [][]string{{"a"}, {"b"}, {"a", "Content-Type", "text/css"}, {"a", "Content-Encoding", "text/css"}, {""}} {
			s := serve(t, nil, saying(c[0], append(c[1:], "Cache-Control", "max-age=60")...))
			first, second := s.twice()
			tag := first.Header.Get("Etag")
			if tag == "" || tag != second.Header.Get("Etag") || tags[tag] || len(tag) < 20 || tag[0] != '"' {
				t.Errorf("of %q it is %q, then %q", c, tag, second.Header.Get("Etag"))
			}
			tags[tag] = true
		}
	})
}

// RFC 9110 section 15.4.5.
func TestA304HasTheFieldsByWhichAClientKnowsWhatItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, saying("hello", "Etag", `"1"`, "Cache-Control", "max-age=60", "Content-Location", "/y", "Vary", "A", "Expires", "0", "Content-Type", "text/css", "Content-Encoding", "x",
			"Content-Length", "5"))
		s.get("/x")
		settle()
		want := http.Header{
			"Etag": {`"1"`}, "Cache-Control": {"max-age=60"}, "Content-Location": {"/y"}, "Vary": {"A"}, "Expires": {"0"},
			"Date": {"Sat, 01 Jan 2000 00:00:00 GMT"}, "Age": {"0"}, "Cache-Status": {"larder; hit; ttl=60"},
		}
		if d := cmp.Diff(want, s.get("/x", "If-None-Match", `"1"`).Header); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}

// A precondition is about what the handler has now.
func TestAPreconditionIsForTheHandler(t *testing.T) {
	for _, c := range []struct{ name, value string }{
		{"If-Match", `"1"`},
		{"If-Match", `*`},
		{"If-Unmodified-Since", "Sat, 01 Jan 2000 00:00:00 GMT"},
	} {
		t.Run(c.name+" "+c.value, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, nil, func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get(c.name) == c.value {
						w.WriteHeader(http.StatusPreconditionFailed)
						return
					}
					saying("hello", "Etag", `"1"`, "Cache-Control", "max-age=60")(w, r)
				})
				s.get("/x")
				settle()
				if a := s.get("/x", c.name, c.value); a.StatusCode != http.StatusPreconditionFailed || a.status() != "larder; fwd=bypass; detail=precondition" {
					t.Errorf("%d %s", a.StatusCode, a.status())
				}
				if a := s.get("/x"); !a.isHit() {
					t.Errorf("the next gets %s", a.status())
				}
			})
		})
	}
}

func TestOnlyA200IsNotModified(t *testing.T) {
	for _, status := range []int{203, 204, 301, 404} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, nil, answering(status, "", "Etag", `"1"`, "Last-Modified", "Fri, 31 Dec 1999 23:00:00 GMT", "Cache-Control", "max-age=60"))
			s.get("/x")
			settle()
			a := s.get("/x", "If-None-Match", `"1"`, "If-Modified-Since", "Fri, 31 Dec 1999 23:00:00 GMT", "Range", "bytes=0-0")
			if a.StatusCode != status || !a.isHit() {
				t.Errorf("%d: %d %s", status, a.StatusCode, a.status())
			}
		})
	}
}

// Where nothing can be stored there is no need of the whole response, and the handler may spare itself the body.
func TestTheConditionsOfAClientGoToTheHandlerOnceItsAnswersCannotBeShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, tagged(`"1"`, "Cache-Control", "private"))
		s.get("/x")
		settle()
		if a := s.get("/x", "If-None-Match", `"1"`); a.StatusCode != http.StatusNotModified || a.status() != "larder; fwd=uri-miss; detail=private" {
			t.Errorf("%d %s", a.StatusCode, a.status())
		}
	})
}
