package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/cache/session"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

// These variables make this program one of the processes of a test: what it does, the Redis, and the cookie that it begins with.
const (
	processTask   = "APP_TEST_SESSION_TASK"
	processURL    = "APP_TEST_SESSION_URL"
	processCookie = "APP_TEST_SESSION_COOKIE"
)

const (
	processes = 4
	visitsOf  = 200 // of each process, by four tabs
)

// process is sessions on a Redis, with what processes tell each other beside them.
type process struct {
	store    *cache.Cache
	sessions *session.Sessions
	flags    *cache.Cache
}

func connect(url string) (*process, error) {
	store, err := redisstore.Open(context.Background(), url, &redisstore.Options{Timeout: patience})
	if err != nil {
		return nil, err
	}
	p := &process{}
	if p.store, err = cache.New(store, nil); err != nil {
		return nil, err
	}
	p.flags = p.store.Namespace("flags")
	p.sessions, err = session.New(p.store, nil)
	return p, err
}

// request is one of a browser with a cookie. It returns the status, and the cookie that the browser has then.
func (p *process) request(cookie *http.Cookie, page http.HandlerFunc) (int, *http.Cookie) {
	r, w := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody), httptest.NewRecorder()
	if cookie != nil {
		r.AddCookie(cookie)
	}
	p.sessions.Handler(page).ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		cookie = c
	}
	return w.Code, cookie
}

// runProcess is what a process of a test does. What it returns it prints.
func runProcess(task string) (string, error) {
	p, err := connect(os.Getenv(processURL))
	if err != nil {
		return "", err
	}
	defer func() { _ = p.store.Close() }()
	if task == "count" {
		name, value, _ := strings.Cut(os.Getenv(processCookie), "=")
		return p.count(&http.Cookie{Name: name, Value: value})
	}
	return p.stay()
}

// count counts visits to one session, by several tabs at once, and returns how many were answered 200.
func (p *process) count(cookie *http.Cookie) (string, error) {
	var ok atomic.Int64
	var tabs sync.WaitGroup
	for range 4 {
		tabs.Go(func() {
			for range visitsOf / 4 {
				status, _ := p.request(cookie, func(_ http.ResponseWriter, r *http.Request) {
					_ = session.Update(r.Context(), func(n *int) error { *n++; return nil })
				})
				if status == http.StatusOK {
					ok.Add(1)
				}
			}
		})
	}
	tabs.Wait()
	return fmt.Sprint(ok.Load()), nil
}

// stay logs alice in and does all that keeps a session alive, until nobody may be logged in any more, and a while longer.
func (p *process) stay() (string, error) {
	var cookie *http.Cookie
	if _, cookie = p.request(nil, func(_ http.ResponseWriter, r *http.Request) {
		_ = session.From(r.Context()).Login(r.Context(), "alice")
	}); cookie == nil {
		return "", errors.New("nobody was logged in")
	}
	cookies := []*http.Cookie{cookie}
	for n, after := 0, 0; after < 50; n++ {
		_, over, err := p.flags.Get(context.Background(), "over")
		if err != nil {
			return "", err
		}
		if over {
			after++
			cookie = cookies[n%len(cookies)] // whichever it has ever had
		}
		_, next := p.request(cookie, func(_ http.ResponseWriter, r *http.Request) {
			s := session.From(r.Context())
			user, _ := s.User(r.Context())
			if over && user != "" {
				err = fmt.Errorf("request %d after the logout is %s's", after, user)
			}
			switch n % 3 {
			case 0:
				_ = session.Update(r.Context(), func(n *int) error { *n++; return nil })
			case 1:
				_ = s.Renew(r.Context())
			}
		})
		if err != nil {
			return "", err
		}
		if next != cookie && next.Value != "" && !over {
			cookie = next
			cookies = append(cookies, next)
		}
		if n == 30 {
			if _, err := p.flags.Increment(context.Background(), "busy", 1, time.Hour); err != nil {
				return "", err
			}
		}
	}
	return "done", nil
}

// startProcesses starts as many processes as there are, and returns what waits for them and for what they print.
func startProcesses(t *testing.T, task, url, cookie string) (wait func() []string) {
	t.Helper()
	var children [processes]*exec.Cmd
	var said, wrong [processes]bytes.Buffer
	for i := range children {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), processTask+"="+task, processURL+"="+url, processCookie+"="+cookie)
		c.Stdout, c.Stderr = &said[i], &wrong[i]
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children[i] = c
	}
	return func() []string {
		t.Helper()
		var all []string
		for i, c := range children {
			if err := c.Wait(); err != nil {
				t.Errorf("%v: %s", err, wrong[i].String())
			}
			if wrong[i].Len() > 0 {
				t.Log(wrong[i].String())
			}
			all = append(all, said[i].String())
		}
		return all
	}
}

func TestProcessesThatChangeOneSessionAtATimeLoseNothing(t *testing.T) {
	url := redistest.Start(t).URL()
	p, err := connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.store.Close() }()
	cookie, err := p.sessions.Create(t.Context(), "alice", nil)
	if err != nil {
		t.Fatal(err)
	}
	counted := 0
	for _, said := range startProcesses(t, "count", url, cookie.Name+"="+cookie.Value)() {
		n := 0
		if _, err := fmt.Sscan(said, &n); err != nil || n == 0 {
			t.Errorf("a process says %q", said)
		}
		counted += n
	}
	n := 0
	if found, err := p.sessions.Read(t.Context(), cookie, &n); !found || err != nil || n != counted || n < processes*visitsOf*9/10 {
		t.Errorf("the session counts %d, %v, and %d of %d visits were answered 200", n, err, counted, processes*visitsOf)
	}
}

func TestNobodyIsLoggedInAtAnyProcessAfterALogoutEverywhere(t *testing.T) {
	url := redistest.Start(t).URL()
	p, err := connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.store.Close() }()
	ended := startProcesses(t, "stay", url, "")
	wait.Until(t, func() bool {
		busy, _, _ := p.flags.Get(t.Context(), "busy")
		return string(busy) == fmt.Sprint(processes)
	})
	if err := p.sessions.LogOutEverywhere(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	if err := p.flags.Set(t.Context(), "over", nil, cache.Forever); err != nil {
		t.Fatal(err)
	}
	for _, said := range ended() {
		if said != "done" {
			t.Errorf("a process says %q", said)
		}
	}
	for info, err := range p.sessions.List(t.Context()) {
		if err != nil || info.User != "" {
			t.Errorf("afterwards there is %+v, %v", info, err)
		}
	}
}
