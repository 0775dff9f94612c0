package ratelimit_test

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/redistest"
)

// TestProcessesCountTogether has four processes make 100,000 requests of one client, of which a thousand a day are allowed. A day has 86.4 s for each: what comes back while they
// run may pass too.
func TestProcessesCountTogether(t *testing.T) {
	url := redistest.Start(t).URL()
	const processes = 4
	began := time.Now()
	var children [processes]*exec.Cmd
	var said [processes]bytes.Buffer
	for i := range children {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), floodURL+"="+url)
		c.Stdout, c.Stderr = &said[i], &said[i]
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children[i] = c
	}
	passed := int64(0)
	for i, c := range children {
		if err := c.Wait(); err != nil {
			t.Fatalf("%v: %s", err, said[i].String())
		}
		n, err := strconv.ParseInt(said[i].String(), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			t.Errorf("process %d came too late to have been let through at all", i)
		}
		passed += n
	}
	if most := floodLimit + int64(time.Since(began)*floodLimit/floodPeriod); passed < floodLimit || passed > most {
		t.Errorf("of %d requests %d passed, want %d, and no more than %d", processes*floodRequests, passed, floodLimit, most)
	}
}
