package settings

import (
	"strconv"
	"testing"
	"time"
)

func TestADurationIsWrittenAsPeopleDo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                               "0s",
		250 * time.Millisecond:          "250ms",
		10 * time.Second:                "10s",
		5 * time.Minute:                 "5m",
		90 * time.Second:                "1m30s",
		24 * time.Hour:                  "24h",
		90 * time.Minute:                "1h30m",
		time.Hour + 10*time.Second:      "1h0m10s",
		100*time.Hour + 10*time.Minute:  "100h10m",
		-(time.Hour + 20*time.Minute):   "-1h20m",
		10*time.Minute + 30*time.Second: "10m30s",
	} {
		if got := formatDuration(d); got != want {
			t.Errorf("formatDuration(%d) = %s, want %s", d, got, want)
		}
	}
}

func FuzzDurations(f *testing.F) {
	for _, seed := range []string{"5m", "300", "1h30m", "-1", "9223372036", "9223372037", "-9223372036", "0.5", "1e3", "+7", "1_000", "2562047h47m16.854775807s"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDuration(text)
		if err != nil {
			return
		}
		if again, err := parseDuration(formatDuration(d)); err != nil || again != d {
			t.Errorf("%q is %d, written as %s and read as %d with error %v", text, d, formatDuration(d), again, err)
		}
		if n, err := strconv.ParseInt(text, 10, 64); err == nil && int64(d/time.Second) != n {
			t.Errorf("%q is %s, want as many seconds", text, d)
		}
	})
}
