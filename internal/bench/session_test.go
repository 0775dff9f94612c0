package main

import (
	"net/http"
	"strings"
	"testing"

	scsmemory "github.com/alexedwards/scs/v2/memstore"

	"github.com/larder-go/larder/cache/memstore"
	"github.com/larder-go/larder/cache/session"
)

// BenchmarkSession is what session/load, session/anonymous and session/write do, for a profile: go test -C internal/bench -run '^$' -bench Session -cpuprofile cpu.out .
func BenchmarkSession(b *testing.B) {
	benchmarkCalls(b, "value", sessionWork("session", ours, openSessions(readOurs, false)))
	benchmarkCalls(b, "value", sessionWork("scs", library, openSCS(readSCS, false)))
	benchmarkCalls(b, "user", sessionWork("session", ours, openSessions(userOfOurs, false)))
	benchmarkCalls(b, "none", sessionWork("session", ours, openSessions(unused, true)))
	benchmarkCalls(b, "none", sessionWork("scs", library, openSCS(unusedSCS, true)))
	benchmarkCalls(b, "changed", sessionWork("session", ours, openSessions(changeOurs, false)))
	benchmarkCalls(b, "changed", sessionWork("scs", library, openSCS(changeSCS, false)))
}

func TestEveryVisitorFindsWhatIsTheirs(t *testing.T) {
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	own, err := newSessions(t.Context(), store, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.close() }()
	theirs, m, err := newSCS(t.Context(), scsmemory.NewWithCleanupInterval(0), 3)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		k    sessionKeeper
		uses []sessionUse
	}{
		"session": {own, []sessionUse{readOurs, userOfOurs, changeOurs, changeOurs, readOurs}},
		"scs": {theirs, []sessionUse{
			func(r *http.Request) bool { return readSCS(m, r) }, func(r *http.Request) bool { return changeSCS(m, r) },
		}},
	} {
		for i, use := range c.uses {
			v := newVisit(t.Context(), c.k.handler(using(use))).withCookie()
			for client, cookie := range c.k.cookies {
				v.cookie[0] = cookie
				if err := v.send(http.StatusNoContent); err != nil {
					t.Errorf("%s: use %d of client %d: %v", name, i, client, err)
				}
			}
			v.cookie[0] = c.k.cookies[0][:len(c.k.cookies[0])-5] + "AAAAA"
			if err := v.send(http.StatusNoContent); err == nil || !strings.Contains(err.Error(), "status 404") {
				t.Errorf("%s: use %d without a session: %v, want an error", name, i, err)
			}
		}
	}
}

func TestAChangeIsThereInTheNextRequest(t *testing.T) {
	store, err := memstore.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	own, err := newSessions(t.Context(), store, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.close() }()
	theirs, m, err := newSCS(t.Context(), scsmemory.NewWithCleanupInterval(0), 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		k       sessionKeeper
		change  sessionUse
		changes func(r *http.Request) int
	}{
		"session": {own, changeOurs, changesOfOurs},
		"scs": {theirs, func(r *http.Request) bool { return changeSCS(m, r) }, func(r *http.Request) int {
			v, _ := m.Get(r.Context(), scsKey).(visitor)
			return v.Changes
		}},
	} {
		for want := range 3 {
			use := func(r *http.Request) bool { return c.changes(r) == want && c.change(r) }
			v := newVisit(t.Context(), c.k.handler(using(use))).withCookie()
			v.cookie[0] = c.k.cookies[0]
			if err := v.send(http.StatusNoContent); err != nil {
				t.Errorf("%s: after %d changes: %v", name, want, err)
			}
		}
	}
}

func changesOfOurs(r *http.Request) int {
	v, _ := session.Get[visitor](r.Context())
	return v.Changes
}
