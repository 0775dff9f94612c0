package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/internal/redistest"
	"github.com/larder-go/larder/internal/wait"
)

// flaw is what the network does to the one connection of a store, or to its first.
type flaw struct {
	name   string
	begin  func(*redistest.Proxy)
	first  bool // it begins before the store connects
	silent bool // no answer comes for as long as anybody waits
}

func flaws() []flaw {
	all := []flaw{
		{name: "replies are late", begin: func(p *redistest.Proxy) { p.Delay(time.Hour) }, silent: true},
		{name: "replies come byte by byte", begin: func(p *redistest.Proxy) { p.Trickle(timeout) }, silent: true},
		{name: "replies are lost", begin: (*redistest.Proxy).DropReplies, silent: true},
		{name: "everything is lost", begin: (*redistest.Proxy).BlackHole, silent: true},
		{name: "everything is lost from the beginning", begin: (*redistest.Proxy).BlackHole, silent: true, first: true},
		{name: "connections are refused", begin: (*redistest.Proxy).Refuse},
	}
	for _, after := range []int{0, 1, 4, 9} {
		all = append(all,
			flaw{name: fmt.Sprintf("a reply is cut after %d bytes", after), begin: func(p *redistest.Proxy) { p.CutReply(after) }},
			flaw{name: fmt.Sprintf("a request is cut after %d bytes", after), begin: func(p *redistest.Proxy) { p.CutRequest(after) }},
		)
	}
	return append(all,
		flaw{name: "the greeting's reply is cut", begin: func(p *redistest.Proxy) { p.CutReply(7) }, first: true},
		flaw{name: "the greeting is cut", begin: func(p *redistest.Proxy) { p.CutRequest(7) }, first: true},
	)
}

func TestEveryMethodWhere(t *testing.T) {
	t.Parallel()
	for _, f := range flaws() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			trial := trial{T: t, server: server, proxy: redistest.StartProxy(t, server.Addr()), flaw: f}
			direct := over(t, open(t, server.URL(), &redisstore.Options{Timeout: 10 * time.Second}))
			other := redistest.Client(t, server.URL())
			for _, m := range methods() { // the server knows the scripts from now on
				furnish(t, other)
				if _, err := m.run(t.Context(), direct); err != nil && !errors.Is(err, errWrong) {
					t.Fatalf("%s without any fault: %v", m.name, err)
				}
			}
			for _, m := range methods() {
				t.Run(m.name, func(t *testing.T) {
					trial := trial
					trial.T = t
					trial.of(m)
				})
			}
		})
	}
}

// trial is of one flaw.
type trial struct {
	*testing.T
	server *redistest.Server
	proxy  *redistest.Proxy
	flaw   flaw
}

func (t trial) of(m method) {
	other := redistest.Client(t.T, t.server.URL())
	furnish(t.T, other)
	t.proxy.Pass()
	// To the other only its callers' deadlines mean anything.
	c, patient := t.open(timeout), t.open(time.Minute)
	t.flaw.begin(t.proxy)
	err := t.ends(m, c, t.Context())
	if t.flaw.silent && err == nil {
		t.Errorf("%s has succeeded without an answer", m.name)
	}
	if n := calls(t.T, other, m.command) + calls(t.T, other, "eval"); m.command != "" && n > m.times {
		t.Errorf("the server has executed %s %d times; want %d at most", m.command, n, m.times)
	}
	furnish(t.T, other)
	ctx, cancel := context.WithTimeout(t.Context(), timeout/4)
	defer cancel()
	err = t.ends(m, patient, ctx)
	if t.flaw.silent && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s with a deadline: %v; want context.DeadlineExceeded", m.name, err)
	}
	t.proxy.Pass()
	wait.Until(t, func() bool {
		furnish(t.T, other)
		claims, err := m.run(t.Context(), c)
		if errors.Is(err, errWrong) {
			t.Fatalf("%s after the fault: %v", m.name, err)
		}
		return err == nil && claims != m.silent
	})
	if err := errors.Join(c.Close(), patient.Close()); err != nil {
		t.Error(err)
	}
	wait.Until(t, func() bool { return t.proxy.Connections() == 0 })
}

// open returns a store that has a connection, unless the flaw is to be there before.
func (t trial) open(timeout time.Duration) *cache.Cache {
	t.Helper()
	c := over(t.T, witness{open(t.T, t.proxy.URL(), &redisstore.Options{Timeout: timeout}), t.T})
	if !t.flaw.first {
		wait.Until(t, func() bool { return c.Ping(t.Context()) == nil })
	}
	return c
}

// ends runs the method and checks what it says.
func (t trial) ends(m method, c *cache.Cache, ctx context.Context) error {
	t.Helper()
	began := time.Now()
	claims, err := m.run(ctx, c)
	if d := time.Since(began); d > 40*timeout {
		t.Errorf("%s took %v; want about %v", m.name, d, timeout)
	}
	if claims && err != nil {
		t.Errorf("%s claims something, with the error %v", m.name, err)
	}
	if err == nil {
		return nil
	}
	if !errors.Is(err, cache.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s: %v; want ErrUnavailable or context.DeadlineExceeded", m.name, err)
	}
	text := "cache: " + m.op
	if m.on != "" {
		text += " " + m.on
	}
	if !strings.HasPrefix(err.Error(), text+": ") || strings.Count(err.Error(), "cache: ") != 1 || m.on != "" && strings.Count(err.Error(), m.on) != 1 {
		t.Errorf("%s: %q; want it to begin with %q, and to say that once", m.name, err, text)
	}
	return err
}

// furnish puts in place what the methods are called on, nothing else, and makes the server know the scripts.
func furnish(t *testing.T, other *redis.Client) {
	t.Helper()
	entries := map[string]string{"number": "7"}
	for _, key := range []string{"read", "renew", "set", "many1", "delete", "swap", "compare", "touch"} {
		entries[key] = "old"
	}
	p := other.Pipeline()
	p.FlushAll(t.Context())
	for key, value := range entries {
		p.Set(t.Context(), "cache:"+key, value, 2*time.Hour)
	}
	p.ConfigResetStat(t.Context())
	if _, err := p.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
}
