package session_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/session"
)

// cart is the data of the sessions in these tests.
type cart struct {
	Items []string `json:"items,omitempty"`
}

// service is handlers behind sessions.
type service struct {
	t        testing.TB
	sessions *session.Sessions
	cache    *cache.Cache
	spy      *spy
	handler  http.Handler
}

// pages are handlers by path. An error that one returns fails the test.
type pages map[string]func(w http.ResponseWriter, r *http.Request) error

// serve puts pages behind sessions in memory. To these it adds what most tests do.
func serve(t testing.TB, o *session.Options, more pages) *service {
	t.Helper()
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return serveOver(t, store, o, more)
}

func serveOver(t testing.TB, store full, o *session.Options, more pages) *service {
	t.Helper()
	s := &service{t: t, spy: &spy{full: store}}
	var err error
	if s.cache, err = cache.New(s.spy, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cache.Close() })
	silent := session.Options{}
	if o != nil {
		silent = *o
	}
	if silent.Logger == nil {
		silent.Logger = slog.New(slog.DiscardHandler)
	}
	if s.sessions, err = session.New(s.cache, &silent); err != nil {
		t.Fatal(err)
	}
	all := usual(s)
	for path, page := range more {
		all[path] = page
	}
	s.handler = s.sessions.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := all[r.URL.Path]
		if !ok {
			t.Errorf("no page %q", r.URL.Path)
			return
		}
		if err := page(w, r); err != nil {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
	}))
	return s
}

// usual are the pages that most tests use. ?user= and ?item= are what they use.
func usual(s *service) pages {
	add := func(r *http.Request) error {
		return session.Update(r.Context(), func(c *cart) error {
			c.Items = append(c.Items, r.URL.Query().Get("item"))
			return nil
		})
	}
	return pages{
		"/nothing": func(http.ResponseWriter, *http.Request) error { return nil },
		"/show": func(w http.ResponseWriter, r *http.Request) error {
			c, err := session.Get[cart](r.Context())
			if err != nil {
				return err
			}
			user, err := session.From(r.Context()).User(r.Context())
			_, _ = io.WriteString(w, user+":"+strings.Join(c.Items, ","))
			return err
		},
		"/add": func(_ http.ResponseWriter, r *http.Request) error { return add(r) },
		"/renew": func(_ http.ResponseWriter, r *http.Request) error {
			return session.From(r.Context()).Renew(r.Context())
		},
		"/logout": func(_ http.ResponseWriter, r *http.Request) error {
			return session.From(r.Context()).Destroy(r.Context())
		},
		"/set": func(_ http.ResponseWriter, r *http.Request) error {
			return session.Set(r.Context(), cart{[]string{r.URL.Query().Get("item")}})
		},
		"/login": func(_ http.ResponseWriter, r *http.Request) error {
			return session.From(r.Context()).Login(r.Context(), r.URL.Query().Get("user"))
		},
		"/everywhere": func(_ http.ResponseWriter, r *http.Request) error {
			return s.sessions.LogOutEverywhere(r.Context(), r.URL.Query().Get("user"))
		},
	}
}

// answer is a response as a client has it.
type answer struct {
	*http.Response

	body string
}

// cookies are the values of Set-Cookie.
func (a answer) cookies() []string { return a.Header.Values("Set-Cookie") }

func (s *service) send(r *http.Request) answer {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	res := w.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{res, string(body)}
}

func request(method, url string, fields ...string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, url, http.NoBody)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Add(fields[i], fields[i+1])
	}
	return r
}

// browser keeps the cookies that it gets.
type browser struct {
	s       *service
	cookies map[string]string
}

func (s *service) browser() *browser { return &browser{s, map[string]string{}} }

// clone is a browser that has the same cookies now.
func (b *browser) clone() *browser {
	c := b.s.browser()
	for name, value := range b.cookies {
		c.cookies[name] = value
	}
	return c
}

func (b *browser) request(method, url string) *http.Request {
	r := request(method, url)
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

func (b *browser) get(url string) answer {
	b.s.t.Helper()
	a := b.s.send(b.request(http.MethodGet, url))
	b.keep(a)
	return a
}

func (b *browser) keep(a answer) {
	for _, c := range a.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
}

const cookieName = "__Host-session"

// id is the one in the browser's cookie, "" for none.
func (b *browser) id() string { return b.cookies[cookieName] }

// want fails the test unless /show says so: user, colon and items.
func (b *browser) want(want string) {
	b.s.t.Helper()
	if a := b.get("/show"); a.StatusCode != http.StatusOK || a.body != want {
		b.s.t.Errorf("the session is %q with %s, want %q", a.body, a.Status, want)
	}
}

// wantStatus gets a page and fails the test unless the status is that.
func (b *browser) wantStatus(url string, status int) answer {
	b.s.t.Helper()
	a := b.get(url)
	if a.StatusCode != status {
		b.s.t.Errorf("%s: %s, want %d", url, a.Status, status)
	}
	return a
}

// infos are the sessions in the store.
func (s *service) infos() []session.Info {
	s.t.Helper()
	var infos []session.Info
	for info, err := range s.sessions.List(context.Background()) {
		if err != nil {
			s.t.Fatal(err)
		}
		infos = append(infos, info)
	}
	return infos
}

// users are the users of the sessions in the store, one for each.
func (s *service) users() []string {
	s.t.Helper()
	users := []string{}
	for _, info := range s.infos() {
		users = append(users, info.User)
	}
	return users
}

// wantUsers fails the test unless the store has sessions of these users, and no others.
func (s *service) wantUsers(want ...string) {
	s.t.Helper()
	got := s.users()
	if strings.Join(sorted(got), ",") != strings.Join(sorted(want), ",") || len(got) != len(want) {
		s.t.Errorf("the store has sessions of %q, want %q", got, want)
	}
}

// hashed is what an id is known by.
func hashed(id string) string {
	sum := sha256.Sum256([]byte(id))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
