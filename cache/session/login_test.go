package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/session"
)

func TestALoginAndARenewalGiveANewIDAndEndTheOld(t *testing.T) {
	for _, url := range []string{"/login?user=alice", "/renew"} {
		s := serve(t, nil, nil)
		b := s.browser()
		b.get("/login?user=alice")
		b.get("/add?item=apple")
		old := b.clone()
		if a := b.get(url); len(a.cookies()) != 1 || b.id() == old.id() {
			t.Errorf("%s sets %q, want a new id", url, a.cookies())
		}
		b.want("alice:apple")
		old.want(":")
		s.wantUsers("alice")
	}
}

func TestALoginMakesASession(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	b.get("/login?user=alice")
	b.want("alice:")
	s.wantUsers("alice")
}

func TestALoginTakesTheDataAlongButNotAnotherUsers(t *testing.T) {
	b := serve(t, nil, nil).browser()
	b.get("/add?item=apple")
	b.get("/login?user=alice")
	b.want("alice:apple")
	b.get("/login?user=alice")
	b.want("alice:apple")
	b.get("/login?user=bob")
	b.want("bob:")
}

func TestWhatIsWrittenAfterALoginAsSomebodyElseIsTheirs(t *testing.T) {
	b := serve(t, nil, nil).browser()
	b.get("/login?user=alice")
	b.get("/add?item=apple")
	b.within(func(ctx context.Context) error {
		err := session.Update(ctx, func(c *cart) error { c.Items = append(c.Items, "of alice"); return nil })
		err = errors.Join(err, session.From(ctx).Login(ctx, "bob"))
		return errors.Join(err, session.Update(ctx, func(c *cart) error { c.Items = append(c.Items, "of bob"); return nil }))
	})
	b.want("bob:of bob")
}

func TestRenewWithoutASessionDoesNothing(t *testing.T) {
	s := serve(t, nil, nil)
	if a := s.browser().get("/renew"); len(a.cookies()) > 0 {
		t.Errorf("the response sets %q", a.cookies())
	}
	s.wantUsers()
}

func TestAUserHasANameOfUpTo1024Bytes(t *testing.T) {
	s := serve(t, nil, nil)
	for _, user := range []string{"", strings.Repeat("u", 1025)} {
		s.browser().within(func(ctx context.Context) error {
			if err := session.From(ctx).Login(ctx, user); err == nil || !strings.Contains(err.Error(), "allowed: 1 to 1024") {
				t.Errorf("a user of %d bytes: %v, want an error that says what is allowed", len(user), err)
			}
			return nil
		})
	}
	s.wantUsers()
	longest := strings.Repeat("\x00ü@", 256)
	b := s.browser()
	b.within(func(ctx context.Context) error { return session.From(ctx).Login(ctx, longest) })
	b.want(longest + ":")
}

func TestALogoutActsAtOnce(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	b.get("/login?user=alice")
	other := b.clone()
	b.within(func(ctx context.Context) error {
		if err := session.From(ctx).Destroy(ctx); err != nil {
			return err
		}
		s.wantUsers()
		other.want(":")
		if user, err := session.From(ctx).User(ctx); user != "" || err != nil {
			t.Errorf("the request still sees %q, %v", user, err)
		}
		return nil
	})
	if b.id() != "" {
		t.Errorf("the browser still has %q", b.id())
	}
	if keys := s.keys(); len(keys) > 0 {
		t.Errorf("the store still has %q", keys)
	}
}

func TestALogoutHoldsThoughTheHandlerPanicsOrTheClientLeaves(t *testing.T) {
	s := serve(t, nil, pages{"/panic": func(_ http.ResponseWriter, r *http.Request) error {
		if err := session.From(r.Context()).Destroy(r.Context()); err != nil {
			return err
		}
		panic("after the logout")
	}, "/left": func(_ http.ResponseWriter, r *http.Request) error {
		if _, err := session.Get[cart](r.Context()); err != nil {
			return err
		}
		ctx, leave := context.WithCancel(r.Context())
		leave()
		return session.From(ctx).Destroy(ctx)
	}})
	for _, url := range []string{"/panic", "/left"} {
		b := s.browser()
		b.get("/login?user=alice")
		func() {
			defer func() { _ = recover() }()
			b.clone().get(url)
		}()
		b.want(":")
	}
}

func TestWhatIsWrittenAfterALogoutIsANewSession(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	b.get("/login?user=alice")
	b.get("/add?item=apple")
	old := b.clone()
	a := b.within(func(ctx context.Context) error {
		err := session.From(ctx).Destroy(ctx)
		return errors.Join(err, session.Update(ctx, func(c *cart) error { c.Items = append(c.Items, "pear"); return nil }))
	})
	if len(a.cookies()) != 1 || b.id() == old.id() || b.id() == "" {
		t.Errorf("the response sets %q, want one new id", a.cookies())
	}
	b.want(":pear")
	old.want(":")
}

// TestALogoutOnItsWayEndsWhatTheSessionHasBecome is a browser with two tabs: one gets a new id, and the other logs out with the old one before it knows.
func TestALogoutOnItsWayEndsWhatTheSessionHasBecome(t *testing.T) {
	for _, urls := range [][]string{{"/renew"}, {"/renew", "/renew", "/renew"}, {"/login?user=alice"}, {"/login?user=bob"}} {
		synctest.Test(t, func(t *testing.T) {
			s := serve(t, nil, nil)
			b := s.browser()
			b.get("/login?user=alice")
			old := b.clone()
			for _, url := range urls {
				b.get(url)
				<-time.After(9 * time.Minute)
			}
			if a := old.get("/logout"); len(a.cookies()) != 1 || !strings.Contains(a.cookies()[0], "Max-Age=0") {
				t.Errorf("%q: the logout sets %q", urls, a.cookies())
			}
			b.want(":")
			s.wantUsers()
		})
	}
}

func TestTheIDIsTheSHA256OfTheCookies(t *testing.T) {
	s := serve(t, nil, nil)
	b := s.browser()
	var ids []string
	id := func(ctx context.Context) {
		id, err := session.From(ctx).ID(ctx)
		if err != nil {
			t.Error(err)
		}
		ids = append(ids, id)
	}
	for _, change := range []func(ctx context.Context) error{
		func(ctx context.Context) error { return session.Set(ctx, cart{[]string{"apple"}}) },
		func(ctx context.Context) error { return session.From(ctx).Renew(ctx) },
		func(ctx context.Context) error { return session.From(ctx).Login(ctx, "alice") },
		func(ctx context.Context) error { return session.Set(ctx, cart{[]string{"pear"}}) },
	} {
		b.within(func(ctx context.Context) error {
			id(ctx)
			err := change(ctx)
			id(ctx)
			return err
		})
		ids = append(ids, hashed(b.id()))
	}
	const now = "" // there is none yet
	if ids[0] != now || ids[1] != ids[2] || ids[3] != ids[2] || ids[4] != ids[5] || ids[4] == ids[3] || ids[6] != ids[5] || ids[7] != ids[8] || ids[7] == ids[6] || ids[9] != ids[8] || ids[10] != ids[8] || ids[11] != ids[8] {
		t.Errorf("the ids before a change, after it, and of the cookie are %q", ids)
	}
	for _, key := range s.keys() {
		if strings.Contains(key, b.id()) {
			t.Errorf("the store has %q, which is the cookie's id", key)
		}
	}
}

func TestInfoIsWhatTheStoreHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, nil, nil)
		b := s.browser()
		began := time.Now()
		b.within(func(ctx context.Context) error {
			info, err := session.From(ctx).Info(ctx)
			if info != (session.Info{}) {
				t.Errorf("without a session it is %+v", info)
			}
			return err
		})
		b.get("/login?user=alice")
		<-time.After(10 * time.Minute)
		b.get("/add?item=apple")
		b.within(func(ctx context.Context) error {
			want := session.Info{ID: hashed(b.id()), User: "alice", Created: began, Seen: began.Add(10 * time.Minute), Expires: began.Add(24 * time.Hour), Bytes: len(`{"items":["apple"]}`)}
			info, err := session.From(ctx).Info(ctx)
			if !same(info, want) {
				t.Errorf("it is %+v, want %+v", info, want)
			}
			for _, listed := range s.infos() {
				if !same(listed, want) {
					t.Errorf("listed is %+v, want %+v", listed, want)
				}
			}
			return err
		})
	})
}

func same(a, b session.Info) bool {
	return a.ID == b.ID && a.User == b.User && a.Created.Equal(b.Created) && a.Seen.Equal(b.Seen) && a.Expires.Equal(b.Expires) && a.Bytes == b.Bytes
}
