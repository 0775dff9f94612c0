package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/filestore"
	"github.com/larder-go/larder/cache/redisstore"
	"github.com/larder-go/larder/settings"
)

func TestOneLineAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s, err := settings.Load([]string{"APP_HEALTH_INTERVAL=10s"})
		if err != nil {
			t.Fatal(err)
		}
		tr := newTrouble(slog.New(slog.NewTextHandler(&log, nil)), s)
		down := fmt.Errorf("cache: get \"k\": %w", cache.ErrUnavailable)
		for range 1000 { // for a hundred seconds
			tr.note("", down)
			<-time.After(100 * time.Millisecond)
		}
		if n := strings.Count(log.String(), "\n"); n != 10 {
			t.Errorf("%d lines in ten intervals; want 10", n)
		}
		if !strings.Contains(log.String(), "suppressed=99") {
			t.Errorf("the lines do not tell how many they stand for:\n%s", log.String())
		}
	})
}

func TestWhatIsNoTroubleOfTheBackendIsNotLogged(t *testing.T) {
	var log bytes.Buffer
	tr := newTrouble(slog.New(slog.NewTextHandler(&log, nil)), settings.Settings{})
	for _, err := range []error{nil, context.Canceled, cache.ErrInvalidKey, cache.ErrTooLarge, cache.ErrClosed} {
		tr.note("", err)
	}
	if log.Len() > 0 {
		t.Errorf("logged:\n%s", log.String())
	}
}

func TestAMistakeIsNamedOnceWithTheVariableToChange(t *testing.T) {
	for _, tc := range []struct {
		mistake error
		env     string
		want    string
	}{
		{redisstore.ErrAuth, "", "APP_REDIS_PASSWORD"},
		{redisstore.ErrAuth, "APP_CACHE_STORAGE_URL=redis://h", "APP_CACHE_STORAGE_URL"},
		{redisstore.ErrPermission, "", "APP_REDIS_USERNAME"},
		{redisstore.ErrDatabase, "", "APP_CACHE_REDIS_DB"},
		{redisstore.ErrReadOnly, "", "APP_REDIS_HOST"},
		{redisstore.ErrTLS, "", "APP_REDIS_TLS"},
		{redisstore.ErrMemory, "", "maxmemory"},
		{filestore.ErrNoSpace, "", "APP_CACHE_FILE_MAX_BYTES"},
		{filestore.ErrPermission, "", "APP_CACHE_FILE_PATH"},
		{filestore.ErrReadOnly, "", "APP_CACHE_FILE_PATH"},
	} {
		t.Run(tc.mistake.Error()+" "+tc.env, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				s, err := settings.Load([]string{tc.env})
				if err != nil {
					t.Fatal(err)
				}
				tr := newTrouble(slog.New(slog.NewTextHandler(&log, nil)), s)
				for range 5 {
					tr.note("", errors.Join(cache.ErrUnavailable, tc.mistake))
					<-time.After(time.Minute)
				}
				if n := strings.Count(log.String(), "fix="); n != 1 || !strings.Contains(log.String(), tc.want) {
					t.Errorf("named %d times; want once, with %s:\n%s", n, tc.want, log.String())
				}
				if n := strings.Count(log.String(), "\n"); n != 5 {
					t.Errorf("%d lines in five intervals; want 5", n)
				}
			})
		})
	}
}
