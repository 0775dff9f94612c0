package items

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

func TestCachedTime(t *testing.T) {
	ask := func(p *process) timeAnswer {
		return answer[timeAnswer](p.t, p.do(http.MethodGet, "/api/v1/cached-time", ""), http.StatusOK)
	}

	t.Run("is live, then from the cache until its default lifetime ends", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := start(t, t.TempDir())
			first := time.Now()
			equal(t, "first", ask(p), timeAnswer{Source: "live", Time: first})
			<-time.After(5*time.Minute*95/100 - time.Nanosecond)
			equal(t, "before the last twentieth", ask(p), timeAnswer{Source: "cache", Time: first})
			<-time.After(5 * time.Minute / 20)
			equal(t, "at the end", ask(p), timeAnswer{Source: "live", Time: time.Now()})
		})
	})

	t.Run("is the source and the time, nothing else", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := start(t, t.TempDir()).do(http.MethodGet, "/api/v1/cached-time", "")
			equal(t, "body", w.Body.String(), `{"source":"live","time":"2000-01-01T00:00:00Z"}`+"\n")
		})
	})

	t.Run("is stored under its documented key", func(t *testing.T) {
		p := start(t, t.TempDir())
		ask(p)
		equal(t, "operations", p.store.since(), []string{"get cached-time", "get cached-time", "set cached-time"})
		ask(p)
		equal(t, "operations", p.store.since(), []string{"get cached-time"})
	})

	for name, value := range map[string]string{
		"is live when the entry is empty":                     "",
		"is live when the entry is no time":                   "soon",
		"is live when the entry is no JSON":                   "2001-02-03T04:05:06Z",
		"is live when the entry has something after the time": `"2001-02-03T04:05:06Z" x`,
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, t.TempDir())
			if err := p.cache.Set(t.Context(), "cached-time", []byte(value), cache.DefaultTTL); err != nil {
				t.Fatal(err)
			}
			live := ask(p)
			equal(t, "source", live.Source, "live")
			equal(t, "and what it said is stored", ask(p), timeAnswer{Source: "cache", Time: live.Time})
		})
	}

	t.Run("is live when the cache is down", func(t *testing.T) {
		p := start(t, t.TempDir())
		ask(p)
		p.store.setDown(true)
		equal(t, "source", ask(p).Source, "live")
	})

	t.Run("is live when there is no cache", func(t *testing.T) {
		p := start(t, t.TempDir())
		p.cache = nil
		equal(t, "source", ask(p).Source, "live")
		equal(t, "source", ask(p).Source, "live")
	})
}
