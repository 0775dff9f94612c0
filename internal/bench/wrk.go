package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// httpAdvice ends what is said where a program is missing.
const httpAdvice = "; `task bench:http` installs it"

// wrk is the load generator of that name: it asks for one URL by many connections at once, each as soon as it has had its answer.
type wrk struct{ path string }

func findWrk() (wrk, error) {
	path, err := exec.LookPath("wrk")
	if err != nil {
		return wrk{}, errors.New("there is no wrk in PATH" + httpAdvice)
	}
	return wrk{path}, nil
}

// A load is what wrk has counted.
type load struct {
	requests  float64
	perSecond float64
}

// load asks for the URL. wrk counts whole seconds, so it does so for one at least.
func (w wrk) load(ctx context.Context, connections int, lasts time.Duration, url string) (load, error) {
	seconds := int((lasts + time.Second - 1) / time.Second)
	threads := min(runtime.GOMAXPROCS(0), connections) // as many as it allows
	out, err := exec.CommandContext(ctx, w.path, "-t", strconv.Itoa(threads), "-c", strconv.Itoa(connections),
		"-d", strconv.Itoa(seconds)+"s", "--timeout", "10s", url).CombinedOutput()
	if ctx.Err() != nil {
		return load{}, ctx.Err()
	}
	var l load
	if err == nil {
		l, err = parseLoad(string(out))
	}
	if err != nil {
		return load{}, fmt.Errorf("wrk %s: %w\n%s", url, err, out)
	}
	return l, nil
}

// parseLoad reads what wrk has printed. Any request that failed is an error: it took no time to speak of, and would pass for speed.
func parseLoad(text string) (l load, err error) {
	for _, wrong := range []string{"Socket errors:", "Non-2xx or 3xx responses:"} {
		if _, after, found := strings.Cut(text, wrong); found {
			line, _, _ := strings.Cut(after, "\n")
			return l, fmt.Errorf("%s%s", wrong, line)
		}
	}
	total := regexp.MustCompile(`(?m)^\s*(\d+) requests in `).FindStringSubmatch(text)
	if total == nil {
		return l, errors.New("it does not say how many requests it made")
	}
	if l.requests, err = strconv.ParseFloat(total[1], 64); err != nil {
		return l, err
	}
	if l.perSecond, err = strconv.ParseFloat(field(text, "Requests/sec"), 64); err != nil {
		return l, fmt.Errorf("requests a second: %w", err)
	}
	if l.requests == 0 {
		return l, errors.New("nothing was answered")
	}
	return l, nil
}

// version is wrk's, as far as it knows it.
func (w wrk) version(ctx context.Context) string {
	out, _ := exec.CommandContext(ctx, w.path, "-v").Output() // it ends with an exit code of 1
	name, _, _ := strings.Cut(string(out), " [")
	return name
}
