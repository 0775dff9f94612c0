package main

import (
	"context"
	"fmt"
	"strings"
)

// A comparison measures one thing in several ways.
type comparison struct {
	name  string // of elements parted by slashes: the first is what is compared
	about string
	run   func(ctx context.Context, b *bench) ([]result, error)
}

func comparisons() []comparison {
	return []comparison{
		{"redis/operations", "Get and Set of redisstore beside go-redis alone, with the same options, and beside rueidis", redisOperations},
		{"redis/tier", "reading what tierstore has near beside a Get of redisstore", redisTier},
		{"redis/told", "how long another process takes to see a write in its tierstore", redisTold},
		{"redis/dead", "operations on a server that is dead, with the breaker open", redisDead},
		{"redis/many", "many keys by one GetMany beside as many Gets", redisMany},
		{"redis/clear", "another client's reads while Clear runs beside the same reads at rest", redisClear},
		{"http/hit", "what a hit of the HTTP cache takes and allocates, without a network", httpHit},
		{"http/echo", "a hit of the HTTP cache in Echo beside Echo alone, whose handler has the bytes at hand", httpEcho},
		{"http/proxy", "a hit of the HTTP cache in a reverse proxy beside nginx", httpProxy},
		{"memory/append", "reading into memory of the caller's, beside the best such read and the best that only hands out its own", memoryAppend},
		{"memory/get", "reading a copy, beside the best library that makes one", memoryGet},
		{"memory/set", "a new key in a full store, beside the best library that keeps a copy", memorySet},
		{"memory/overwrite", "overwriting entries, beside the best library that keeps a copy", memoryOverwrite},
		{"memory/zipf", "reads and writes of keys of which few are popular, beside the best library that copies", memoryZipf},
		{"memory/scan", "a new key in a full store, beside a store that looks at every entry", memoryScan},
		{"memory/footprint", "what an entry takes beyond its key and value, in every library", memoryFootprint},
		{"memory/collector", "the garbage collector's work beside a full store of every library", memoryCollector},
		{"memory/heap", "memstore's limit of bytes beside the heap that it takes", memoryHeap},
		{"memory/expiry", "calls on memstore while very many entries expire at once beside calls before", memoryExpiry},
		{"memory/handle", "a cache over memstore beside memstore itself", memoryHandle},
		{"load/hit", "a hit of GetOrLoad beside one of the loading caches, of bytes and of a struct", loadHit},
		{"load/over", "a hit of GetOrLoad beside the Get of the store below", loadOver},
		{"load/stampede", "very many callers of one cold key, beside the libraries that load once", loadStampede},
		{"load/exclusive", "callers of one cold key in several processes, with exclusive loads", loadExclusive},
		{"limit/decision", "a request that is let through and the bare decision, beside httprate and go-limiter", limitDecision},
		{"limit/refusal", "the same for clients over their limit", limitRefusal},
		{"limit/redis", "a decision on Redis beside redis_rate, and its round trips", limitRedis},
		{"session/load", "reading a session's value in a request beside scs", sessionLoad},
		{"session/anonymous", "a request without a cookie that reads nothing, beside scs", sessionAnonymous},
		{"session/write", "reading and changing a session's value in a request beside scs", sessionWrite},
		{"session/redis", "reading a session's value over Redis beside scs, and its round trips", sessionRedis},
		{"file/get", "Get of filestore beside bbolt, badger and plain files", fileGet},
		{"file/set", "Set of filestore beside the same, by what it waits for", fileSet},
		{"file/clear", "Clear of filestore beside the same", fileClear},
		{"file/open", "opening a store with very many entries beside bbolt and badger", fileOpen},
	}
}

// choose returns the comparisons that the names select, all of them where there is none. A name selects the comparison that has it, and
// those below it.
func choose(from []comparison, names []string) ([]comparison, error) {
	if len(names) == 0 {
		return from, nil
	}
	var chosen []comparison
	selects := make(map[string]bool, len(names))
	for _, c := range from {
		selected := false
		for _, name := range names {
			if c.name == name || strings.HasPrefix(c.name, name+"/") {
				selected, selects[name] = true, true
			}
		}
		if selected {
			chosen = append(chosen, c)
		}
	}
	for _, name := range names {
		if !selects[name] {
			return nil, fmt.Errorf("there is no comparison %q; -h lists them", name)
		}
	}
	return chosen, nil
}
