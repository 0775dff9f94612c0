package session_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/session"
)

func TestListHasEverySessionAndNothingElse(t *testing.T) {
	s := serve(t, nil, nil)
	want := map[string]string{}
	for i := range 250 {
		b := s.browser()
		b.get(fmt.Sprintf("/login?user=u%d", i))
		b.get("/renew") // leaves a note where it went
		want[hashed(b.id())] = fmt.Sprintf("u%d", i)
	}
	s.plantForeign()
	got := map[string]string{}
	for info, err := range s.sessions.List(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		got[info.ID] = info.User
	}
	if len(got) != len(want) {
		t.Errorf("%d sessions are listed, want %d", len(got), len(want))
	}
	for id, user := range want {
		if got[id] != user {
			t.Errorf("session %s is listed as %q's, want %q", id, got[id], user)
		}
	}
}

// plantForeign puts into the store what is not of sessions, though some of it looks so.
func (s *service) plantForeign() (keys []string) {
	keys = []string{"s.", "s.short", "u.short", "session", "@s." + strings.Repeat("A", 43), "s." + strings.Repeat("A", 44), "s." + strings.Repeat("B", 43), "http"}
	for _, key := range keys {
		if err := s.cache.Set(context.Background(), key, []byte("another's"), cache.Forever); err != nil {
			s.t.Fatal(err)
		}
	}
	return keys
}

func TestAListThatIsLeftIsLeft(t *testing.T) {
	s := serve(t, nil, nil)
	for range 3 {
		s.browser().get("/add?item=a")
	}
	n := 0
	for _, err := range s.sessions.List(context.Background()) {
		if err != nil {
			t.Error(err)
		}
		n++
		break
	}
	if n != 1 {
		t.Errorf("the loop ran %d times", n)
	}
}

func TestSessionsCanBeEndedWhileTheyAreListed(t *testing.T) {
	s := serve(t, nil, nil)
	for i := range 150 {
		s.browser().get(fmt.Sprintf("/login?user=u%d", i%3))
	}
	for info, err := range s.sessions.List(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if found, err := s.sessions.Delete(context.Background(), info.ID); !found || err != nil {
			t.Errorf("%v, %v", found, err)
		}
	}
	if keys := s.keys(); len(keys) > 0 {
		t.Errorf("the store has %q", keys)
	}
}

func TestListTellsAnErrorLast(t *testing.T) {
	s := serve(t, nil, nil)
	s.browser().get("/add?item=a")
	s.spy.during(func(_ int, op, _ string) error { return errDown }, func() {
		n := 0
		for info, err := range s.sessions.List(context.Background()) {
			if n++; !errors.Is(err, cache.ErrUnavailable) || info != (session.Info{}) {
				t.Errorf("%+v, %v, want the store's error", info, err)
			}
		}
		if n != 1 {
			t.Errorf("the loop ran %d times", n)
		}
	})
}

func TestDeleteEndsTheSessionOfAnID(t *testing.T) {
	s := serve(t, nil, nil)
	b, other := s.browser(), s.browser()
	b.get("/login?user=alice")
	other.get("/login?user=alice")
	id := hashed(b.id())
	for _, want := range []bool{true, false} {
		if found, err := s.sessions.Delete(context.Background(), id); found != want || err != nil {
			t.Errorf("Delete gives %v, %v, want %v", found, err, want)
		}
	}
	b.want(":")
	other.want("alice:")
}

func TestDeleteRefusesWhatIsNoID(t *testing.T) {
	s := serve(t, nil, nil)
	for _, id := range []string{"", "alice", strings.Repeat("A", 44), strings.Repeat("+", 43)} {
		if found, err := s.sessions.Delete(context.Background(), id); found || err == nil || !strings.Contains(err.Error(), "allowed: the 43 characters of base64url that List gives") {
			t.Errorf("%q: %v, %v", id, found, err)
		}
	}
	b := s.browser()
	b.get("/add?item=a")
	if found, err := s.sessions.Delete(context.Background(), b.id()); found || err != nil {
		t.Errorf("the cookie's own id: %v, %v, want nothing found", found, err)
	}
}

func TestClearEndsAllSessionsAndLeavesTheRest(t *testing.T) {
	s := serve(t, nil, nil)
	var all []*browser
	for i := range 250 {
		b := s.browser()
		b.get(fmt.Sprintf("/login?user=u%d", i%7))
		all = append(all, b)
	}
	all[0].get("/renew")
	foreign := s.plantForeign()
	if err := s.sessions.Clear(context.Background()); err != nil {
		t.Error(err)
	}
	wantAll(all, ":")
	s.wantUsers()
	left := s.keys()
	for _, key := range foreign[:6] { // the seventh is one that a session could have
		if _, found, err := s.cache.Get(context.Background(), key); !found || err != nil {
			t.Errorf("%q has gone, %v", key, err)
		}
	}
	if len(left) > len(foreign)+1 {
		t.Errorf("the store has %q", left)
	}
	all[0].wantStatus("/login?user=alice", 200) // and life goes on
	all[0].wantStatus("/renew", 200)
	all[0].want("alice:")
}

func TestClearTellsAnError(t *testing.T) {
	for at := range 3 {
		s := serve(t, nil, nil)
		s.browser().get("/login?user=alice")
		s.spy.during(func(n int, _, _ string) error {
			if n >= at {
				return errDown
			}
			return nil
		}, func() {
			if err := s.sessions.Clear(context.Background()); !errors.Is(err, cache.ErrUnavailable) {
				t.Errorf("at operation %d the error is %v", at, err)
			}
		})
	}
}

func TestToolsNeedAStoreThatCanListItsKeys(t *testing.T) {
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cache.New(struct {
		cache.Store
		cache.Adder
		cache.Swapper
	}{store, store, store}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	s, err := session.New(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Clear(context.Background()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Clear gives %v", err)
	}
	for _, err := range s.List(context.Background()) {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("List gives %v", err)
		}
	}
}

// A store that fails for a moment may take the deletion: redisstore remembers one that failed, and makes up for it.
func TestWhatCannotBeReadIsDeletedNonetheless(t *testing.T) {
	s := serve(t, nil, nil)
	s.browser().get("/login?user=alice")
	id := s.infos()[0].ID
	s.spy.before = func(_ context.Context, op, _ string) error {
		if op == "get" || op == "compare and delete" {
			return cache.ErrUnavailable
		}
		return nil
	}
	if _, err := s.sessions.Delete(t.Context(), id); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("the error is %v, want that of the store", err)
	}
	s.spy.before = nil
	s.wantUsers()
}
