package session_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/larder-go/larder/cache/session"
)

// lazyPages leave the session as it is, or as nothing.
func lazyPages() pages {
	return pages{
		"/zero": func(_ http.ResponseWriter, r *http.Request) error { return session.Set(r.Context(), cart{}) },
		"/idle": func(_ http.ResponseWriter, r *http.Request) error {
			return session.Update(r.Context(), func(*cart) error { return nil })
		},
		"/back": func(_ http.ResponseWriter, r *http.Request) error {
			if err := session.Set(r.Context(), cart{[]string{"apple"}}); err != nil {
				return err
			}
			return session.Set(r.Context(), cart{})
		},
		"/save": func(_ http.ResponseWriter, r *http.Request) error { return session.From(r.Context()).Save(r.Context()) },
	}
}

func TestNothingIsAskedOfTheStoreBeforeSomethingIsWritten(t *testing.T) {
	s := serve(t, nil, lazyPages())
	junk := s.browser()
	junk.cookies[cookieName] = "junk"
	for name, b := range map[string]*browser{"without a cookie": s.browser(), "with a malformed one": junk} {
		for _, url := range []string{"/nothing", "/show", "/zero", "/idle", "/back", "/save", "/renew", "/logout"} {
			var a answer
			b := b.clone()
			if asked := s.spy.asked(func() { a = b.get(url) }); len(asked) > 0 {
				t.Errorf("%s %s asks the store: %q", url, name, asked)
			}
			if len(a.cookies()) > 0 && url != "/logout" {
				t.Errorf("%s %s sets %q", url, name, a.cookies())
			}
		}
	}
	s.wantUsers()
}

func TestAWellFormedCookieCostsOneReadAndNoWrite(t *testing.T) {
	s := serve(t, nil, lazyPages())
	for url, want := range map[string][]string{"/nothing": nil, "/show": {"get"}, "/zero": {"get"}, "/idle": {"get"}, "/save": nil, "/renew": {"get"}, "/logout": {"get"}} {
		b := s.browser()
		b.cookies[cookieName] = newID(t)
		if asked := s.spy.asked(func() { b.get(url) }); !slices.Equal(asked, want) {
			t.Errorf("%s with an id that the store does not know asks %q, want %q", url, asked, want)
		}
	}
	s.wantUsers()
}

func TestASessionIsReadOnceAndWrittenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // so that no use has to be noted
		s := serve(t, nil, pages{"/both": func(_ http.ResponseWriter, r *http.Request) error {
			for i := range 5 {
				if _, err := session.Get[cart](r.Context()); err != nil {
					return err
				}
				if err := session.Update(r.Context(), func(c *cart) error { c.Items = append(c.Items, strconv.Itoa(i)); return nil }); err != nil {
					return err
				}
			}
			return nil
		}})
		b := s.browser()
		for _, tc := range []struct {
			url  string
			want string
		}{
			{"/add?item=apple", "add"},
			{"/show", "get"},
			{"/nothing", ""},
			{"/both", "get swap"},
			{"/add?item=pear", "get swap"},
			{"/logout", "get compare and delete"},
			{"/login?user=alice", "get add add get"},                     // list, store, and see that it is listed
			{"/renew", "get get swap add swap get get swap"},             // and the note where it went, the mark of Clear
			{"/logout", "get compare and delete get compare and delete"}, // the session and the index
		} {
			if asked := strings.Join(s.spy.asked(func() { b.get(tc.url) }), " "); asked != tc.want {
				t.Errorf("%s asks the store: %s, want: %s", tc.url, asked, tc.want)
			}
		}
		s.wantUsers()
	})
}

func TestThousandsOfVisitorsMakeNoSession(t *testing.T) {
	s := serve(t, nil, lazyPages())
	asked := s.spy.asked(func() {
		for i := range 6000 {
			b := s.browser()
			if i%2 == 1 {
				b.cookies[cookieName] = strings.Repeat("junk", i%20)
			}
			url := [...]string{"/show", "/nothing", "/idle"}[i%3]
			if a := b.get(url); len(a.cookies()) > 0 || a.StatusCode != http.StatusOK {
				t.Fatalf("%s: %s sets %q", url, a.Status, a.cookies())
			}
		}
	})
	if len(asked) > 0 {
		t.Errorf("the store is asked %d times, first for %q", len(asked), asked[0])
	}
	s.wantUsers()
}
