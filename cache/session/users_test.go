package session_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/session"
)

// logIn returns browsers in which a user has logged in, in this order, a second apart.
func (s *service) logIn(user string, n int) []*browser {
	s.t.Helper()
	all := make([]*browser, n)
	for i := range all {
		all[i] = s.browser()
		all[i].wantStatus("/login?user="+user, 200)
		<-time.After(time.Second)
	}
	return all
}

func wantAll(all []*browser, want string) {
	for _, b := range all {
		b.s.t.Helper()
		b.want(want)
	}
}

func TestLoggingOutEverywhereEndsTheSessionsOfOneUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, nil)
		alices, bobs := s.logIn("alice", 5), s.logIn("bob", 2)
		nobody := s.browser()
		nobody.get("/add?item=a")
		if err := s.sessions.LogOutEverywhere(context.Background(), "alice"); err != nil {
			t.Error(err)
		}
		wantAll(alices, ":")
		wantAll(bobs, "bob:")
		nobody.want(":a")
		if n := len(s.keys()); n != 4 {
			t.Errorf("the store has %q, want two sessions and the index of bob's, and that of nobody", s.keys())
		}
		wantAll(s.logIn("alice", 1), "alice:") // a login afterwards works
	})
}

func TestLoggingOutSomebodyWhoHasNoSessionIsNoError(t *testing.T) {
	s := serve(t, nil, nil)
	if asked := s.spy.asked(func() {
		if err := s.sessions.LogOutEverywhere(context.Background(), "alice"); err != nil {
			t.Error(err)
		}
	}); !slices.Equal(asked, []string{"get"}) {
		t.Errorf("it asks the store %q", asked)
	}
	for _, user := range []string{"", strings.Repeat("u", 1025)} {
		if err := s.sessions.LogOutEverywhere(context.Background(), user); err == nil {
			t.Errorf("a user of %d bytes is no error", len(user))
		}
	}
}

func TestARequestThatLogsOutEverywhereIsLoggedOutToo(t *testing.T) {
	s := serve(t, nil, nil)
	b, other := s.browser(), s.browser()
	b.get("/login?user=alice")
	other.get("/login?user=alice")
	a := b.within(func(ctx context.Context) error {
		user, err := session.From(ctx).User(ctx)
		err = errors.Join(err, s.sessions.LogOutEverywhere(ctx, user))
		if user, _ := session.From(ctx).User(ctx); user != "" {
			t.Errorf("the request still sees %q", user)
		}
		return err
	})
	if len(a.cookies()) != 1 || b.id() != "" {
		t.Errorf("the response sets %q, want that the cookie is dropped", a.cookies())
	}
	other.want(":")
	s.wantUsers()
}

func TestWhoChangesThePasswordLogsOutEverywhereAndInAgain(t *testing.T) {
	for name, f := range map[string]func(s *service, ctx context.Context) error{
		"out, then in": func(s *service, ctx context.Context) error {
			return errors.Join(s.sessions.LogOutEverywhere(ctx, "alice"), session.From(ctx).Login(ctx, "alice"))
		},
		"in, then out": func(s *service, ctx context.Context) error {
			return errors.Join(session.From(ctx).Login(ctx, "alice"), s.sessions.LogOutEverywhere(ctx, "alice"))
		},
	} {
		s := serve(t, nil, nil)
		b, other := s.browser(), s.browser()
		b.get("/login?user=alice")
		other.get("/login?user=alice")
		old := b.clone()
		a := b.within(func(ctx context.Context) error {
			_, err := session.Get[cart](ctx)
			return errors.Join(err, f(s, ctx))
		})
		if a.StatusCode != http.StatusOK || len(a.cookies()) != 1 || b.id() == old.id() {
			t.Errorf("%s: %s sets %q, want a new id", name, a.Status, a.cookies())
		}
		b.want("alice:")
		other.want(":")
		old.want(":")
		s.wantUsers("alice")
	}
}

func TestALogoutEverywhereThatFailedIsFinishedByTheNext(t *testing.T) {
	for at, failed := 0, true; failed; at++ {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, nil, nil)
			alices := s.logIn("alice", 3)
			failed = false
			var err error
			s.spy.during(func(n int, op, _ string) error {
				if n >= at && op != "delete" { // without the other way
					failed = true
					return errDown
				}
				if op == "delete" {
					return errDown
				}
				return nil
			}, func() { err = s.sessions.LogOutEverywhere(context.Background(), "alice") })
			if failed && len(s.users()) > 0 && !errors.Is(err, cache.ErrUnavailable) {
				t.Errorf("with a failure at operation %d there are sessions of %q and the error is %v", at, s.users(), err)
			}
			if err := s.sessions.LogOutEverywhere(context.Background(), "alice"); err != nil {
				t.Error(err)
			}
			wantAll(alices, ":")
			s.wantUsers()
		})
	}
}

func TestOneLoginMoreThanAllowedEndsTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &session.Options{MaxPerUser: 3}, nil)
		alices, bobs := s.logIn("alice", 3), s.logIn("bob", 3)
		alices[0].get("/renew") // which is the youngest now
		wantAll(alices, "alice:")
		alices = append(alices, s.logIn("alice", 1)...)
		alices[1].want(":")
		wantAll(slices.Delete(slices.Clone(alices), 1, 2), "alice:")
		wantAll(bobs, "bob:")
		alices[0].get("/login?user=alice") // takes its own place
		s.wantUsers("alice", "alice", "alice", "bob", "bob", "bob")
		if err := s.sessions.LogOutEverywhere(context.Background(), "alice"); err != nil {
			t.Error(err)
		}
		s.wantUsers("bob", "bob", "bob")
	})
}

func TestSessionsThatNobodyUsesAnyMoreDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &session.Options{MaxPerUser: 3}, nil)
		alices := s.logIn("alice", 1)
		for range 10 { // of two that are idle for too long and one in use
			s.logIn("alice", 2)
			for range 2 {
				<-time.After(20 * time.Minute)
				wantAll(alices, "alice:")
			}
		}
	})
}

func TestAHundredAndOneLoginsAreAHundredSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, nil)
		alices := s.logIn("alice", 101)
		if n := len(s.users()); n != 100 {
			t.Errorf("alice has %d sessions, want 100", n)
		}
		alices[0].want(":")
		alices[1].want("alice:")
	})
}

func TestALoginThatCannotEndTheOldestIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, &session.Options{MaxPerUser: 1}, nil)
		b := s.browser()
		s.logIn("alice", 1)
		s.spy.during(func(_ int, op, _ string) error {
			if op == "compare and delete" {
				return errDown
			}
			return nil
		}, func() { b.wantStatus("/login?user=alice", 503) })
		if n := len(s.users()); n > 1 {
			t.Errorf("alice has %d sessions, want 1 at most", n)
		}
	})
}

// TestAnIndexDoesNotGrow is about leaks: of what has ended, nothing stays listed for longer than a session may live, and mostly not that long.
func TestAnIndexDoesNotGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, nil)
		b := s.browser()
		size := func() int {
			for _, key := range s.keys() {
				if strings.HasPrefix(key, "u.") {
					raw, _, err := s.cache.Get(context.Background(), key)
					if err != nil {
						t.Fatal(err)
					}
					return len(raw)
				}
			}
			return 0
		}
		b.get("/login?user=alice")
		one := size()
		for range 50 {
			b.get("/renew")
			b.get("/login?user=alice")
			b.get("/add?item=a")
			if got := size(); got != one {
				t.Fatalf("the index of one session has %d bytes, and had %d", got, one)
			}
		}
		for range 50 {
			b.get("/login?user=bob") // alice's has gone
			b.get("/login?user=alice")
		}
		if got := size(); got != one {
			t.Errorf("the index of one session has %d bytes, and had %d", got, one)
		}
		b.get("/logout")
		if got := size(); got != 0 {
			t.Errorf("without sessions the index has %d bytes", got)
		}
		for range 30 { // these expire
			s.logIn("alice", 3)
			<-time.After(time.Hour)
		}
		if got := size(); got > 24*3*one {
			t.Errorf("the index of a day has %d bytes", got)
		}
	})
}

func TestRenewOfASessionThatItsIndexDoesNotListEndsIt(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	b.get("/login?user=alice")
	for _, key := range s.keys() {
		if strings.HasPrefix(key, "u.") {
			if err := s.cache.Delete(context.Background(), key); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.want("alice:")
	b.wantStatus("/renew", 409)
	b.want(":")
	s.wantUsers()
}

func TestManyLoginsAtTheSameTimeAreAllListed(t *testing.T) {
	s := serve(t, nil, nil)
	done := make(chan *browser)
	for range 20 {
		go func() {
			b := s.browser()
			b.wantStatus("/login?user=alice", 200)
			done <- b
		}()
	}
	var all []*browser
	for range 20 {
		all = append(all, <-done)
	}
	if n := len(s.users()); n != 20 {
		t.Errorf("there are %d sessions, want 20", n)
	}
	if err := s.sessions.LogOutEverywhere(context.Background(), "alice"); err != nil {
		t.Error(err)
	}
	wantAll(all, ":")
	if keys := s.keys(); len(keys) > 0 {
		t.Errorf("the store has %q", keys)
	}
}
