package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/session"
)

// schedule runs two at the same time, with two switches: the first goes on to before its operation i, the second to before its operation j, the first to its end and the second to its end. It
// reports whether both got that far.
func (s *spy) schedule(first, second func(), i, j int) (firstGot, secondGot bool) {
	turn, n := &firstGot, [2]int{}
	waits, goOn := make(chan struct{}), make(chan struct{})
	s.mu.Lock()
	s.before = func(context.Context, string, string) error { // there is never more than one of them that runs
		switch {
		case turn == &firstGot:
			if n[0]++; n[0] == i+1 {
				firstGot, turn = true, &secondGot
				go func() {
					defer close(waits)
					second()
				}()
				<-waits
				turn = &firstGot
			}
		default:
			if n[1]++; n[1] == j+1 {
				secondGot = true
				waits <- struct{}{}
				<-goOn
			}
		}
		return nil
	}
	s.mu.Unlock()
	first()
	if firstGot {
		turn = &secondGot
		close(goOn)
		<-waits
	}
	s.mu.Lock()
	s.before = nil
	s.mu.Unlock()
	return firstGot, secondGot
}

// crowded is a service where alice has as many sessions as she may have.
type crowded struct {
	*service

	alices []*browser
	id     string // by which tools know one of them
}

// doings are what may happen to her sessions, in the first of her browsers, or another.
func doings() map[string]func(c *crowded) {
	get := func(url string, of func(c *crowded) *browser) func(c *crowded) {
		return func(c *crowded) {
			if a := of(c).clone().get(url); a.StatusCode != http.StatusOK && a.StatusCode != http.StatusConflict {
				c.t.Errorf("%s: %s", url, a.Status)
			}
		}
	}
	nobody := func(c *crowded) *browser { return c.browser() }
	first := func(c *crowded) *browser { return c.alices[0] }
	last := func(c *crowded) *browser { return c.alices[len(c.alices)-1] }
	return map[string]func(c *crowded){
		"a login":               get("/login?user=alice", nobody),
		"a login in a session":  get("/login?user=alice", first),
		"a login of another":    get("/login?user=bob", first),
		"a renewal":             get("/renew", first),
		"another's renewal":     get("/renew", last),
		"a change":              get("/add?item=pear", first),
		"a use that is noted":   get("/show", first),
		"a logout":              get("/logout", first),
		"a logout everywhere":   func(c *crowded) { c.logOut() },
		"a tool that ends all":  func(c *crowded) { c.clear() },
		"a tool that ends one":  func(c *crowded) { c.end(c.id) },
		"a tool that makes one": func(c *crowded) { c.create() },
	}
}

func (c *crowded) logOut() {
	c.t.Helper()
	if err := c.sessions.LogOutEverywhere(context.Background(), "alice"); err != nil {
		c.t.Error(err)
	}
}

func (c *crowded) end(id string) {
	if _, err := c.sessions.Delete(context.Background(), id); err != nil {
		c.t.Error(err)
	}
}

func (c *crowded) clear() {
	if err := c.sessions.Clear(context.Background()); err != nil {
		c.t.Error(err)
	}
}

func (c *crowded) create() {
	if _, err := c.sessions.Create(context.Background(), "alice", nil); err != nil && !errors.Is(err, session.ErrConflict) {
		c.t.Error(err)
	}
}

// TestWhatIsStoredOfAUserIsListedWhicheverTwoMeet: a logout everywhere finds all there is, and there is never more than is allowed.
func TestWhatIsStoredOfAUserIsListedWhicheverTwoMeet(t *testing.T) {
	for one, first := range doings() {
		for other, second := range doings() {
			for _, allowed := range []int{1, 2} {
				t.Run(fmt.Sprintf("%s and %s, of %d", one, other, allowed), func(t *testing.T) {
					for i, further := 0, true; further; i++ {
						further = false
						for j, got := 0, true; got; j++ {
							synctest.Test(t, func(t *testing.T) {
								c := newCrowd(t, allowed)
								var firstGot bool
								firstGot, got = c.spy.schedule(func() { first(c) }, func() { second(c) }, i, j)
								further = further || firstGot
								c.judge(fmt.Sprintf("before operations %d and %d", i, j), allowed)
							})
						}
					}
				})
			}
		}
	}
}

func newCrowd(t *testing.T, allowed int) *crowded {
	c := &crowded{service: serve(t, &session.Options{MaxPerUser: allowed}, nil)}
	c.alices = c.logIn("alice", allowed)
	c.id = c.infos()[0].ID
	<-time.After(4 * time.Minute) // a use has to be noted
	return c
}

func (c *crowded) judge(when string, allowed int) {
	c.t.Helper()
	if n := c.sessionsOf("alice"); n > allowed {
		c.t.Errorf("%s: alice has %d sessions, %d are allowed", when, n, allowed)
	}
	c.logOut()
	if n := c.sessionsOf("alice"); n > 0 {
		c.t.Errorf("%s: a logout everywhere leaves %d sessions", when, n)
	}
}

func (s *service) sessionsOf(user string) int {
	s.t.Helper()
	n := 0
	for _, u := range s.users() {
		if u == user {
			n++
		}
	}
	return n
}
