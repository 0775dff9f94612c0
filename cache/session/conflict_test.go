package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/session"
)

// meanwhile gets url while another request of the session happens after this one has read it.
func (b *browser) meanwhile(other, url string) answer {
	b.s.t.Helper()
	second := b.clone()
	var a answer
	b.s.spy.during(func(n int, _, _ string) error {
		if n == 1 {
			second.get(other)
		}
		return nil
	}, func() { a = b.get(url) })
	return a
}

func TestTwoRequestsThatChangeASessionAtTheSameTime(t *testing.T) {
	for _, tc := range []struct {
		name, other, url string
		status           int
		want             string
	}{
		{"both update: both changes stay", "/add?item=b", "/add?item=c", 200, "alice:a,b,c"},
		{"one sets, then one updates: the update is made to what was set", "/set?item=b", "/add?item=c", 200, "alice:b,c"},
		{"one updates, then one sets: a conflict, and nothing is lost", "/add?item=b", "/set?item=c", 409, "alice:a,b"},
		{"both set: a conflict", "/set?item=b", "/set?item=c", 409, "alice:b"},
		{"one only reads: none", "/show", "/set?item=c", 200, "alice:c"},
		{"one sets what is there: none", "/set?item=a", "/set?item=c", 200, "alice:c"},
		{"one renews, then one updates with the old id: a conflict", "/renew", "/add?item=c", 409, ":"},
		{"one updates, then one renews: the change goes along", "/add?item=b", "/renew", 200, "alice:a,b"},
		{"one updates, then one logs in: the change goes along", "/add?item=b", "/login?user=alice", 200, "alice:a,b"},
		{"one updates, then one logs in as somebody else: the change does not", "/add?item=b", "/login?user=bob", 200, "bob:"},
		{"both renew: one wins", "/renew", "/renew", 409, ":"},
		{"one updates, then one updates and renews: both changes stay", "/add?item=b", "/shop", 200, "alice:a,b,c"},
		{"one updates, then one sets and renews: a conflict", "/add?item=b", "/shelve", 409, "alice:a,b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := serve(t, nil, pages{
				"/shop": func(_ http.ResponseWriter, r *http.Request) error {
					err := session.Update(r.Context(), func(c *cart) error { c.Items = append(c.Items, "c"); return nil })
					return errors.Join(err, session.From(r.Context()).Renew(r.Context()))
				},
				"/shelve": func(_ http.ResponseWriter, r *http.Request) error {
					return errors.Join(session.Set(r.Context(), cart{[]string{"c"}}), session.From(r.Context()).Renew(r.Context()))
				},
			})
			b := s.browser()
			b.get("/login?user=alice")
			b.get("/add?item=a")
			a := b.meanwhile(tc.other, tc.url)
			if a.StatusCode != tc.status || a.StatusCode == http.StatusConflict && len(a.cookies()) > 0 {
				t.Errorf("the second is answered %s, %q, want %d", a.Status, a.cookies(), tc.status)
			}
			b.want(tc.want)
		})
	}
}

func TestAUseThatAnotherRequestHasNotedIsNoConflict(t *testing.T) {
	for _, url := range []string{"/add?item=b", "/set?item=b", "/renew", "/show"} {
		synctest.Test(t, func(t *testing.T) {
			b := serve(t, nil, nil).browser()
			b.get("/login?user=alice")
			<-time.After(10 * time.Minute)
			if a := b.meanwhile("/show", url); a.StatusCode != http.StatusOK {
				t.Errorf("%s is answered %s", url, a.Status)
			}
		})
	}
}

func TestAConflictIsAProblem(t *testing.T) {
	s := serve(t, nil, pages{"/set": func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Location", "/elsewhere")
		w.Header().Add("Set-Cookie", "theme=dark")
		err := session.Set(r.Context(), cart{[]string{"c"}})
		w.WriteHeader(http.StatusSeeOther)
		_, _ = w.Write([]byte("done"))
		return err
	}})
	b := s.browser()
	b.get("/add?item=a")
	a := b.meanwhile("/add?item=b", "/set")
	var problem struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal([]byte(a.body), &problem); err != nil || problem.Type != "about:blank" || problem.Title != "Conflict" || problem.Status != 409 || problem.Detail == "" {
		t.Errorf("the body is %q, want a problem", a.body)
	}
	if got := a.Header.Get("Content-Type"); a.StatusCode != http.StatusConflict || got != "application/problem+json" || a.Header.Get("Location") != "" {
		t.Errorf("%s with %v", a.Status, a.Header)
	}
	if got := strings.Join(a.cookies(), ","); got != "theme=dark" {
		t.Errorf("the response sets %q, want the handler's own cookie alone", got)
	}
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Vary") != "Cookie" {
		t.Errorf("the response may be cached: %v", a.Header)
	}
}

func TestAnErrorOfUpdateOnTheOthersDataIsAConflict(t *testing.T) {
	calls := 0
	s := serve(t, nil, pages{"/last": func(_ http.ResponseWriter, r *http.Request) error {
		return session.Update(r.Context(), func(c *cart) error {
			if calls++; len(c.Items) > 1 {
				return errors.New("there is no room")
			}
			c.Items = append(c.Items, "c")
			return nil
		})
	}})
	b := s.browser()
	b.get("/add?item=a")
	if a := b.meanwhile("/add?item=b", "/last"); a.StatusCode != http.StatusConflict || calls != 2 {
		t.Errorf("%s after %d calls, want a conflict after 2", a.Status, calls)
	}
	b.want(":a,b")
}

func TestAnUpdateThatMakesTheOthersDataTooLongIsAConflict(t *testing.T) {
	b := serve(t, &session.Options{MaxBytes: len(`{"items":["a","b"]}`)}, nil).browser()
	b.get("/add?item=a")
	if a := b.meanwhile("/add?item=b", "/add?item=c"); a.StatusCode != http.StatusConflict {
		t.Errorf("%s, want a conflict", a.Status)
	}
	b.want(":a,b")
}

func TestAnUpdateThatIsDoneAgainAndChangesNothingIsDone(t *testing.T) {
	s := serve(t, nil, pages{"/once": func(_ http.ResponseWriter, r *http.Request) error {
		return session.Update(r.Context(), func(c *cart) error { c.Items = []string{"a", "b"}; return nil })
	}})
	b := s.browser()
	b.get("/add?item=a")
	if a := b.meanwhile("/add?item=b", "/once"); a.StatusCode != http.StatusOK {
		t.Error(a.Status)
	}
	b.want(":a,b")
}

func TestSaveLeavesAConflictToTheHandler(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	b.get("/add?item=a")
	other := b.clone()
	a := b.within(func(ctx context.Context) error {
		s := session.From(ctx)
		if err := session.Set(ctx, cart{[]string{"c"}}); err != nil {
			return err
		}
		other.get("/add?item=b")
		if err := s.Save(ctx); !errors.Is(err, session.ErrConflict) {
			t.Errorf("Save gives %v, want ErrConflict", err)
		}
		c, err := session.Get[cart](ctx)
		if strings.Join(c.Items, ",") != "a,b" || err != nil {
			t.Errorf("after the conflict the request sees %q, %v, want what is there now", c.Items, err)
		}
		if err := session.Set(ctx, cart{[]string{"d"}}); err != nil {
			return err
		}
		return s.Save(ctx)
	})
	if a.StatusCode != http.StatusOK {
		t.Error(a.Status)
	}
	b.want(":d")
}

func TestSaveStoresAtOnceAndTheCookieFollows(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	a := b.within(func(ctx context.Context) error {
		if err := session.Set(ctx, cart{[]string{"a"}}); err != nil {
			return err
		}
		err := session.From(ctx).Save(ctx)
		s.wantUsers("")
		if err := session.From(ctx).Login(ctx, "alice"); err != nil {
			return err
		}
		err = errors.Join(err, session.From(ctx).Save(ctx))
		s.wantUsers("alice")
		return errors.Join(err, session.Set(ctx, cart{[]string{"b"}}))
	})
	if len(a.cookies()) != 1 {
		t.Errorf("the response sets %q, want one cookie", a.cookies())
	}
	b.want("alice:b")
	s.wantUsers("alice")
}

func TestALogoutAfterSaveEndsWhatWasSaved(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	a := b.within(func(ctx context.Context) error {
		err := session.From(ctx).Login(ctx, "alice")
		return errors.Join(err, session.From(ctx).Save(ctx), session.From(ctx).Destroy(ctx))
	})
	if len(a.cookies()) != 0 {
		t.Errorf("the response sets %q", a.cookies())
	}
	s.wantUsers()
	b.get("/login?user=alice")
	a = b.within(func(ctx context.Context) error {
		err := session.From(ctx).Renew(ctx)
		return errors.Join(err, session.From(ctx).Save(ctx), session.From(ctx).Destroy(ctx))
	})
	if len(a.cookies()) != 1 || b.id() != "" {
		t.Errorf("the response sets %q, want that the cookie is dropped", a.cookies())
	}
	s.wantUsers()
}

func TestAConflictIsNoTroubleOfTheStore(t *testing.T) {
	if errors.Is(session.ErrConflict, cache.ErrUnavailable) {
		t.Error("ErrConflict matches cache.ErrUnavailable")
	}
}
