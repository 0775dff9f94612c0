package session_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/larder-go/larder/cache/session"
)

// TestWhoHasLoggedOutStaysSoWhateverHappens lets many do at random what can be done with sessions, all at the same time. Each login is numbered, and the number goes where the session goes. When
// a logout has returned, the numbers that were logged in before it began are over: no request may see one again, and the store has none in the end.
func TestWhoHasLoggedOutStaysSoWhateverHappens(t *testing.T) {
	for name, store := range stores() {
		t.Run(name, func(t *testing.T) {
			rounds := 400
			if name != "memory" {
				rounds = 60
			}
			w := &world{t: t, s: serveOver(t, store(t), &session.Options{MaxPerUser: 6}, nil), over: map[int]bool{}, of: map[string][]int{}}
			var work sync.WaitGroup
			for user := range 2 {
				for range 4 { // browsers of a user, each with two tabs
					b := &shared{cookies: map[string]string{}}
					for range 2 {
						work.Go(func() { w.live(b, "user"+strconv.Itoa(user), rounds) })
					}
				}
			}
			work.Wait()
			for _, info := range w.s.infos() {
				if n := w.numberOf(info.ID); w.over[n] {
					t.Errorf("the store has login %d of %s, which was over", n, info.User)
				}
			}
		})
	}
}

// world is what there is to know about who has logged in.
type world struct {
	t *testing.T
	s *service

	mu      sync.Mutex
	number  int
	of      map[string][]int // the numbers of a user's logins
	over    map[int]bool
	numbers sync.Map // by the id of a session
}

// visit is the data of these sessions.
type visit struct {
	Login int `json:"login"`
	Count int `json:"count"`
}

// shared are the cookies of a browser that has several tabs.
type shared struct {
	mu      sync.Mutex
	cookies map[string]string
}

func (w *world) numberOf(id string) int {
	n, _ := w.numbers.Load(id)
	number, _ := n.(int)
	return number
}

// begin numbers a login.
func (w *world) begin(user string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.number++
	w.of[user] = append(w.of[user], w.number)
	return w.number
}

func (w *world) end(numbers ...int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range numbers {
		w.over[n] = true
	}
}

func (w *world) live(tabs *shared, user string, rounds int) {
	for range rounds {
		tabs.mu.Lock()
		b := &browser{w.s, map[string]string{}}
		for name, value := range tabs.cookies {
			b.cookies[name] = value
		}
		tabs.mu.Unlock()
		a := b.within(func(ctx context.Context) error { return w.act(ctx, user) })
		tabs.mu.Lock()
		tabs.cookies = b.cookies // whichever tab was answered last
		tabs.mu.Unlock()
		if a.StatusCode != http.StatusOK && a.StatusCode != http.StatusConflict {
			w.t.Errorf("a request is answered %s", a.Status)
		}
	}
}

// act does something at random in a request.
func (w *world) act(ctx context.Context, user string) error {
	w.mu.Lock()
	over := map[int]bool{}
	for n := range w.over {
		over[n] = true
	}
	w.mu.Unlock()
	s := session.From(ctx)
	v, err := session.Get[visit](ctx)
	if err != nil {
		return err
	}
	if over[v.Login] {
		w.t.Errorf("a request sees login %d, which was over before it began", v.Login)
	}
	if id, err := s.ID(ctx); err != nil {
		return err
	} else if id != "" {
		w.numbers.Store(id, v.Login)
	}
	do := rand.IntN(20)
	who, err := s.User(ctx)
	if err != nil {
		return err
	}
	switch {
	case do < 1:
		if err := s.Destroy(ctx); err != nil {
			return err
		}
		if who != "" {
			w.end(v.Login)
		}
	case do < 2:
		w.mu.Lock()
		before := append([]int(nil), w.of[user]...)
		w.mu.Unlock()
		confirmed := w.confirmed(before)
		if err := w.s.sessions.LogOutEverywhere(ctx, user); err != nil {
			return err
		}
		w.end(confirmed...)
	case do < 6 || who == "":
		n := w.begin(user)
		if err := errors.Join(s.Login(ctx, user), session.Update(ctx, func(v *visit) error { v.Login = n; return nil })); err != nil {
			return err
		}
		if err := s.Save(ctx); err != nil {
			if errors.Is(err, session.ErrConflict) {
				w.end(n) // it never was
				return nil
			}
			return err
		}
		id, err := s.ID(ctx)
		w.numbers.Store(id, n)
		return err
	case do < 10:
		if err := s.Renew(ctx); err != nil {
			return err
		}
		id, err := s.ID(ctx)
		w.numbers.Store(id, v.Login)
		return err
	default:
		return session.Update(ctx, func(v *visit) error { v.Count++; return nil })
	}
	return nil
}

// confirmed are those of the logins that have returned.
func (w *world) confirmed(numbers []int) []int {
	known := map[int]bool{}
	w.numbers.Range(func(_, n any) bool { known[n.(int)] = true; return true })
	var all []int
	for _, n := range numbers {
		if known[n] {
			all = append(all, n)
		}
	}
	return all
}
