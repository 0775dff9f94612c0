package main

import (
	"context"
	"net/http"
	"slices"

	"github.com/alexedwards/scs/goredisstore"
)

// sessionRedis compares requests that read the data of their session on one Redis.
func sessionRedis(ctx context.Context, b *bench) ([]result, error) {
	server, err := b.server(ctx)
	if err != nil {
		return nil, err
	}
	prefix := server.prefix("scs")
	server.prefixes = append(server.prefixes, prefix)
	theirs, m, err := newSCS(ctx, goredisstore.NewWithPrefix(server.client(), prefix), b.scale.keys)
	if err != nil {
		return nil, err
	}
	prefix = server.prefix("session")
	server.prefixes = append(server.prefixes, prefix)
	store, err := server.store(prefix)
	if err != nil {
		return nil, err
	}
	own, err := newSessions(ctx, store, b.scale.keys)
	if err != nil {
		return nil, err
	}
	crowd := slices.Max(b.scale.crowds)
	return b.raceRedis(ctx, server, "a session's value on Redis",
		theirs.contender("scs", crowd, func(r *http.Request) bool { return readSCS(m, r) }), own.contender("session", crowd, readOurs))
}

// contender sends requests of up to n goroutines at once.
func (k sessionKeeper) contender(name string, n int, use sessionUse) contender {
	all := visits(n, k.handler(using(use)))
	for _, v := range all {
		v.withCookie()
	}
	return contender{name, func(ctx context.Context, goroutine, call int) error {
		v := all[goroutine].within(ctx)
		v.cookie[0] = k.cookies[entryIndex(goroutine, call, len(k.cookies))]
		return v.send(http.StatusNoContent)
	}}
}
