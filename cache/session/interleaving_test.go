package session_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/session"
)

// scene is a service where alice has logged in and others have not.
type scene struct {
	*service

	alice  *browser // with an item
	id     string   // by which tools know her session
	nobody *browser
}

func newScene(t *testing.T) *scene {
	s := serve(t, nil, pages{
		"/shop": func(_ http.ResponseWriter, r *http.Request) error { // both at once
			if err := session.Update(r.Context(), func(c *cart) error { c.Items = append(c.Items, "pear"); return nil }); err != nil {
				return err
			}
			return session.From(r.Context()).Renew(r.Context())
		},
	})
	c := &scene{service: s, alice: s.browser(), nobody: s.browser()}
	c.alice.get("/add?item=apple")
	c.alice.get("/login?user=alice")
	c.id = s.infos()[0].ID
	c.nobody.get("/add?item=plum")
	return c
}

// logouts end alice's session, whatever happens to it meanwhile.
func logouts() map[string]func(c *scene) error {
	return map[string]func(c *scene) error{
		"a logout": func(c *scene) error {
			if a := c.alice.clone().get("/logout"); a.StatusCode != http.StatusOK {
				return fmt.Errorf("the logout is %s", a.Status)
			}
			return nil
		},
		"a logout everywhere":  func(c *scene) error { return c.sessions.LogOutEverywhere(context.Background(), "alice") },
		"a tool":               func(c *scene) error { _, err := c.sessions.Delete(context.Background(), c.id); return err },
		"a tool that ends all": func(c *scene) error { return c.sessions.Clear(context.Background()) },
	}
}

// requests are those of alice's that a logout may meet.
func requests() []string {
	return []string{"/show", "/add?item=pear", "/set?item=pear", "/renew", "/shop", "/login?user=alice", "/login?user=bob"}
}

func TestALogoutAtAnyTimeOfARequestIsNotSurvived(t *testing.T) {
	for by, logOut := range logouts() {
		for _, url := range requests() {
			t.Run(by+" while "+url, func(t *testing.T) {
				for at, inside := 0, true; inside; at++ {
					synctest.Test(t, func(t *testing.T) {
						c := newScene(t)
						<-time.After(4 * time.Minute) // this use has to be noted
						old := *c
						old.alice = c.alice.clone()
						inside = false
						var a answer
						c.spy.during(func(n int, _, _ string) error {
							if n == at {
								inside = true
								return logOut(&old)
							}
							return nil
						}, func() { a = c.alice.get(url) })
						if !inside { // it comes when the request has ended, with the cookie from before
							if err := logOut(&old); err != nil {
								t.Error(err)
							}
						}
						c.judge(t, at, inside, by, url, a, &old)
					})
				}
			})
		}
	}
}

// judge says what may be left after a logout before operation at, or after the request.
func (c *scene) judge(t *testing.T, at int, inside bool, by, url string, a answer, old *scene) {
	t.Helper()
	what := fmt.Sprintf("before operation %d, with %s", at, a.Status)
	logsIn := strings.HasPrefix(url, "/login")
	switch {
	case at == 0 && logsIn: // the session had been ended before it was read: this is a new one
		return
	case by == "a logout everywhere" && url == "/login?user=bob" && a.StatusCode == http.StatusOK: // it was not alice's any more
		c.wantUsers("bob", "")
		return
	}
	if at > 0 { // and otherwise what is written makes a new session, which is nobody's
		want := []string{""}
		if by == "a tool that ends all" {
			want = nil
		}
		c.wantUsers(want...)
	}
	for _, b := range []*browser{c.alice, old.alice} {
		if a := b.get("/show"); a.StatusCode != http.StatusOK || at > 0 && a.body != ":" || a.body[0] != ':' {
			t.Errorf("%s: a cookie is good for %q with %s", what, a.body, a.Status)
		}
	}
	if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusConflict || url == "/show" && a.StatusCode != http.StatusOK {
		t.Errorf("%s: want 200 or, where something was to be stored, 409", what)
	}
	if a.StatusCode == http.StatusConflict && len(a.cookies()) > 0 {
		t.Errorf("%s: a conflict sets %q", what, a.cookies())
	}
}

// TestARequestAtAnyTimeOfALogoutDoesNotSurviveIt is the other way round: the whole request happens within the logout.
func TestARequestAtAnyTimeOfALogoutDoesNotSurviveIt(t *testing.T) {
	for by, logOut := range logouts() {
		for _, url := range requests() {
			t.Run(url+" within "+by, func(t *testing.T) {
				for at, inside := 0, true; inside; at++ {
					synctest.Test(t, func(t *testing.T) {
						c := newScene(t)
						<-time.After(4 * time.Minute)
						old := *c
						old.alice = c.alice.clone()
						inside = false
						var a answer
						c.spy.during(func(n int, _, _ string) error {
							if n == at {
								inside = true
								a = c.alice.get(url)
							}
							return nil
						}, func() {
							if err := logOut(&old); err != nil {
								t.Error(err)
							}
						})
						if inside {
							c.judgeWithin(t, at, url, a, &old)
						}
					})
				}
			})
		}
	}
}

// judgeWithin says what may be left of a request within a logout: what logged in anew, and what made a new session of nobody's.
func (c *scene) judgeWithin(t *testing.T, at int, url string, a answer, old *scene) {
	t.Helper()
	users := c.users()
	if !strings.HasPrefix(url, "/login") && slices.ContainsFunc(users, func(u string) bool { return u != "" }) {
		t.Errorf("at operation %d, with %s: the store has sessions of %q", at, a.Status, users)
	}
	for _, b := range []*browser{c.alice, old.alice} {
		if show := b.get("/show"); show.StatusCode != http.StatusOK || strings.Contains(show.body, "apple") && (b == old.alice || !strings.HasPrefix(url, "/login")) {
			t.Errorf("at operation %d, with %s: a cookie is good for %q with %s", at, a.Status, show.body, show.Status)
		}
	}
}
