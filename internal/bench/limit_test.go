package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// BenchmarkLimit is what limit/decision and limit/refusal do, for a profile: go test -C internal/bench -run '^$' -bench Limit -cpuprofile cpu.out .
func BenchmarkLimit(b *testing.B) {
	for _, requests := range []int{manyRequests, fewerRequests} {
		kind := map[int]string{manyRequests: "passed", fewerRequests: "refused"}[requests]
		for _, w := range append(limitHandlers(), limitStores()...) {
			benchmarkCalls(b, kind, w(requests))
		}
	}
}

func benchmarkCalls(b *testing.B, kind string, l callLibrary) {
	b.Helper()
	const clients = 10_000
	work, err := l.open(b.Context(), clients)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = work.close() })
	b.Run(kind+"/"+strings.ReplaceAll(l.name, " ", "_"), func(b *testing.B) {
		call, client := work.worker(b.Context()), 0
		b.ReportAllocs()
		for b.Loop() {
			if err := call(client); err != nil {
				b.Fatal(err)
			}
			if client += 7_919; client >= clients {
				client -= clients
			}
		}
	})
}

func TestEveryLimiterLetsThroughWhatIsAllowedAndNoMore(t *testing.T) {
	for _, w := range append(limitHandlers(), limitStores()...) {
		for _, requests := range []int{manyRequests, fewerRequests} {
			l := w(requests)
			work, err := l.open(t.Context(), 3)
			if err != nil {
				t.Fatalf("%s: %v", l.name, err)
			}
			call := work.worker(t.Context())
			for range 3 {
				for client := range 3 {
					if err := call(client); err != nil {
						t.Errorf("%s, %d requests: client %d: %v", l.name, requests, client, err)
					}
				}
			}
			if err := work.close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// Else what is refused would be measured as let through, which is quicker where nothing is stored.
func TestAnotherDecisionThanTheExpectedIsAnError(t *testing.T) {
	for _, w := range append(limitHandlers(), limitStores()...) {
		l := w(2)
		work, err := l.open(t.Context(), 2)
		if err != nil {
			t.Fatalf("%s: %v", l.name, err)
		}
		defer func() { _ = work.close() }()
		call := work.worker(t.Context())
		for range 2 {
			if err := call(1); err != nil {
				t.Errorf("%s: %v", l.name, err)
			}
		}
		if err := call(1); err == nil || !errors.Is(err, errDecision) && !strings.Contains(err.Error(), "status 429") {
			t.Errorf("%s: the third of two requests: %v, want that it was refused", l.name, err)
		}
		if err := call(0); err != nil {
			t.Errorf("%s: another client: %v", l.name, err)
		}
	}
}

func TestClientsConnectFromAddressesOfTheirOwn(t *testing.T) {
	seen := make(map[string]bool)
	for _, a := range addresses(70_000) {
		seen[a] = true
	}
	if len(seen) != 70_000 || !seen["10.1.0.1:50000"] {
		t.Errorf("%d addresses of 70000 clients", len(seen))
	}
	v := newVisit(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.RemoteAddr != addressOf(7) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		passed(w, r)
	}))
	if err := v.from(addressOf(7)).send(http.StatusNoContent); err != nil {
		t.Error(err)
	}
	if err := v.from(addressOf(8)).send(http.StatusNoContent); err == nil {
		t.Error("another status is no error")
	}
}
