package lifecycle_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/lifecycle"
)

func TestKillEndsTheDrainDelayAndRunsTheHooksWithACancelledContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		l := lifecycle.New(&lifecycle.Options{DrainDelay: time.Hour})
		add(t, l, log.hook("a"), lifecycle.Hook{Name: "b", Stop: func(ctx context.Context) error { return context.Cause(ctx) }})
		want(t, l.Start(t.Context()))
		begin := time.Now()
		result := make(chan error)
		go func() { result <- l.Stop(t.Context()) }()
		synctest.Wait()
		l.Kill()
		l.Kill()
		wantError(t, <-result, `stop "b": killed: context canceled`)
		wantTook(t, begin, 0)
		log.want(t, "start a", "stop a")
	})
}

func TestKillGivesAHangingHookAndThoseAfterIt100MillisecondsEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		l := lifecycle.New(nil)
		add(t, l, log.hook("a"),
			lifecycle.Hook{Name: "b", Stop: hangs(t), Timeout: time.Hour},
			lifecycle.Hook{Name: "c", Stop: hangs(t), Timeout: time.Hour},
			lifecycle.Hook{Name: "d", Stop: heeds, Timeout: time.Hour})
		want(t, l.Start(t.Context()))
		begin := time.Now()
		result := make(chan error)
		go func() { result <- l.Stop(t.Context()) }()
		<-time.After(time.Minute)
		l.Kill()
		wantError(t, <-result, strings.Join([]string{
			`stop "d": context canceled`,
			`stop "c": abandoned, it is still running: killed: context canceled`,
			`stop "b": abandoned, it is still running: killed: context canceled`,
		}, "\n"))
		wantTook(t, begin, time.Minute+200*time.Millisecond)
		log.want(t, "start a", "stop a")
	})
}

func TestKillDuringStartRollsItBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		l := lifecycle.New(nil)
		add(t, l, log.hook("a"), lifecycle.Hook{Name: "b", Start: hangs(t), Timeout: time.Hour})
		result := make(chan error)
		go func() { result <- l.Start(t.Context()) }()
		synctest.Wait()
		begin := time.Now()
		l.Kill()
		wantError(t, <-result, `start "b": abandoned, it is still running: killed: context canceled`)
		wantTook(t, begin, 100*time.Millisecond)
		wantState(t, l, lifecycle.Stopped)
		log.want(t, "start a", "stop a")
	})
}

func TestKillBeforeStartLetsNothingStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		l := lifecycle.New(nil)
		add(t, l, log.hook("a"))
		l.Kill()
		wantState(t, l, lifecycle.Initial)
		wantError(t, l.Start(t.Context()), `start "a": not begun: killed: context canceled`)
		log.want(t)
	})
}

func TestKillStopsNothingByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log journal
		l := lifecycle.New(&lifecycle.Options{DrainDelay: time.Hour})
		add(t, l, log.hook("a"))
		want(t, l.Start(t.Context()))
		l.Kill()
		synctest.Wait()
		wantState(t, l, lifecycle.Ready)
		log.want(t, "start a")
		begin := time.Now()
		want(t, l.Stop(t.Context()))
		wantTook(t, begin, 0)
		log.want(t, "start a", "stop a")
	})
}
