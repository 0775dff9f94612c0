package session_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/session"
)

func TestATestMakesASessionAndUsesIt(t *testing.T) {
	s := serve(t, nil, nil)
	for _, user := range []string{"", "alice"} {
		cookie, err := s.sessions.Create(context.Background(), user, cart{[]string{"a"}})
		if err != nil {
			t.Fatal(err)
		}
		if !fits(cookie.String(), "__Host-session=*; Path=/; Max-Age=86400; HttpOnly; Secure; SameSite=Lax") {
			t.Errorf("the cookie is %q", cookie)
		}
		b := s.browser()
		b.cookies[cookie.Name] = cookie.Value
		b.want(user + ":a")
		b.get("/add?item=b")
		var c cart
		if found, err := s.sessions.Read(context.Background(), cookie, &c); !found || err != nil || strings.Join(c.Items, ",") != "a,b" {
			t.Errorf("Read gives %v, %v, %q", found, err, c.Items)
		}
		if found, err := s.sessions.Read(context.Background(), cookie, nil); !found || err != nil {
			t.Errorf("Read into nothing gives %v, %v", found, err)
		}
	}
	if err := s.sessions.LogOutEverywhere(context.Background(), "alice"); err != nil {
		t.Error(err)
	}
	s.wantUsers("")
}

func TestASessionMayBeMadeWithoutData(t *testing.T) {
	s := serve(t, nil, nil)
	cookie, err := s.sessions.Create(context.Background(), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := cart{[]string{"as it was"}}
	if found, err := s.sessions.Read(context.Background(), cookie, &c); !found || err != nil || c.Items[0] != "as it was" {
		t.Errorf("Read gives %v, %v, %q", found, err, c.Items)
	}
	s.wantUsers("")
}

func TestCreateRefusesWhatASessionCannotBe(t *testing.T) {
	s := serve(t, &session.Options{MaxBytes: 3}, nil)
	if _, err := s.sessions.Create(context.Background(), "", "too long"); !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("data that are too long: %v", err)
	}
	if _, err := s.sessions.Create(context.Background(), "", func() {}); err == nil || !strings.HasPrefix(err.Error(), "session: create: ") {
		t.Errorf("a function: %v", err)
	}
	if _, err := s.sessions.Create(context.Background(), strings.Repeat("u", 1025), nil); err == nil {
		t.Error("a user of 1025 bytes is no error")
	}
	s.spy.during(func(int, string, string) error { return errDown }, func() {
		for _, user := range []string{"", "alice"} {
			if cookie, err := s.sessions.Create(context.Background(), user, nil); !errors.Is(err, cache.ErrUnavailable) || cookie != nil {
				t.Errorf("a store that is down: %v, %v", cookie, err)
			}
		}
	})
	s.wantUsers()
}

func TestReadFindsNothingWhereThereIsNoSession(t *testing.T) {
	s := serve(t, nil, nil)
	for name, cookie := range map[string]*http.Cookie{
		"an unknown id":  {Name: cookieName, Value: newID(t)},
		"no id":          {Name: cookieName, Value: "junk"},
		"another cookie": {Name: "theme", Value: newID(t)},
	} {
		if found, err := s.sessions.Read(context.Background(), cookie, nil); found || err != nil {
			t.Errorf("%s: %v, %v", name, found, err)
		}
	}
	if found, err := s.sessions.Read(context.Background(), nil, nil); found || err == nil {
		t.Errorf("a nil cookie: %v, %v", found, err)
	}
}

func TestReadTellsWhatDoesNotDecodeAndTroubleOfTheStore(t *testing.T) {
	s := serve(t, nil, nil)
	cookie, err := s.sessions.Create(context.Background(), "", cart{[]string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := s.sessions.Read(context.Background(), cookie, new(int)); found || err == nil {
		t.Errorf("into a number: %v, %v", found, err)
	}
	s.spy.during(func(int, string, string) error { return errDown }, func() {
		if found, err := s.sessions.Read(context.Background(), cookie, nil); found || !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("a store that is down: %v, %v", found, err)
		}
	})
}
