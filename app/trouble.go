package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/settings"
)

// trouble turns the errors of the cache into log lines: one an interval however many requests meet them, and one for each
// mistake of the set-up, with the variable to change.
type trouble struct {
	logger   *slog.Logger
	settings settings.Settings
	interval time.Duration

	mu         sync.Mutex
	last       time.Time
	suppressed int
	named      map[string]bool
}

func newTrouble(l *slog.Logger, s settings.Settings) *trouble {
	return &trouble{logger: l, settings: s, interval: s.Probes.Interval, named: make(map[string]bool)}
}

// note logs an error of the cache of that name, "" for the default one, if its time has come. Errors of the caller, a bad key or a cancelled request, are no trouble of the backend.
func (t *trouble) note(name string, err error) {
	if err == nil || !errors.Is(err, cache.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if fix := advice(t.settings, err); fix != "" && !t.named[fix] {
		t.named[fix] = true
		t.last, t.suppressed = time.Now(), 0
		t.of(name).Error("the cache is set up wrongly", "error", err, "fix", fix)
		return
	}
	now := time.Now()
	if !t.last.IsZero() && now.Sub(t.last) < t.interval {
		t.suppressed++
		return
	}
	t.of(name).Warn("the cache does not answer; handlers go to their sources", "error", err, "suppressed", t.suppressed)
	t.last, t.suppressed = now, 0
}

func (t *trouble) of(name string) *slog.Logger {
	if name == "" {
		return t.logger
	}
	return t.logger.With("cache", name)
}

// advice says which variable to change where err is a mistake of the set-up, and is empty where it is not.
func advice(s settings.Settings, err error) string {
	for _, m := range []struct {
		is        error
		part      string // of the URL
		variables string // where there is no URL
	}{
		{redisstore.ErrAuth, "the user and password", "APP_REDIS_USERNAME and APP_REDIS_PASSWORD"},
		{redisstore.ErrPermission, "the user", "APP_REDIS_USERNAME, or what that user may do on the server"},
		{redisstore.ErrDatabase, "the database, or APP_CACHE_REDIS_DB where the URL names none", "APP_CACHE_REDIS_DB"},
		{redisstore.ErrReadOnly, "the host: it must be the primary", "APP_REDIS_HOST: it must be the primary"},
		{redisstore.ErrTLS, "the scheme (rediss:// is TLS) or ca_file", "APP_REDIS_TLS or APP_REDIS_CA_FILE"},
		{redisstore.ErrGreeting, "the scheme: redis:// or, for TLS, rediss://", "APP_REDIS_TLS"},
		{filestore.ErrNoSpace, "the disk: free space on it, or set APP_CACHE_FILE_MAX_BYTES", ""},
		{filestore.ErrPermission, "APP_CACHE_FILE_PATH, or who may write there", ""},
		{filestore.ErrReadOnly, "APP_CACHE_FILE_PATH, or how its file system is mounted", ""},
		{redisstore.ErrMemory, "the server: raise its maxmemory, or set a maxmemory-policy that evicts", ""},
	} {
		switch {
		case !errors.Is(err, m.is):
		case m.variables == "":
			return "change " + m.part
		case s.IsSet("APP_CACHE_STORAGE_URL"), s.IsSet("APP_CACHE_STORAGE_URL_FILE"):
			return "change " + m.part + " in APP_CACHE_STORAGE_URL"
		default:
			return "change " + m.variables
		}
	}
	return ""
}

// redisProblem names the variable behind an error of redisstore.Open.
func redisProblem(s settings.Settings, err error) error {
	name := "APP_REDIS_HOST"
	switch {
	case s.Cache.StorageURL != "":
		name = "APP_CACHE_STORAGE_URL"
	case s.Redis.CAFile != "":
		name = "APP_REDIS_CA_FILE" // the only other thing that Open can dislike in a URL that we made
	}
	if inner := errors.Unwrap(err); inner != nil {
		err = inner // without the name of the package, which says nothing to an operator
	}
	return settings.Problem{Var: name, Why: err.Error()}
}
