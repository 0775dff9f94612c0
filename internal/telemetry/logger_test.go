package telemetry_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/larder-go/larder/internal/telemetry"
)

func TestNewLogger(t *testing.T) {
	t.Run("json gives one object a line", func(t *testing.T) {
		var out bytes.Buffer
		telemetry.NewLogger(&out, slog.LevelInfo, "json").Info("started", "port", 8000)
		var got struct {
			Level, Msg string
			Port       int
		}
		if err := json.Unmarshal(out.Bytes(), &got); err != nil || got.Level != "INFO" || got.Msg != "started" || got.Port != 8000 {
			t.Errorf("got %s (%v)", &out, err)
		}
	})
	t.Run("text gives key=value", func(t *testing.T) {
		var out bytes.Buffer
		telemetry.NewLogger(&out, slog.LevelInfo, "text").Info("started", "port", 8000)
		if !strings.HasSuffix(out.String(), "level=INFO msg=started port=8000\n") {
			t.Errorf("got %s", &out)
		}
	})
	t.Run("what is below the level is left out", func(t *testing.T) {
		var out bytes.Buffer
		l := telemetry.NewLogger(&out, slog.LevelWarn, "text")
		l.Info("no")
		l.Warn("yes")
		if n := strings.Count(out.String(), "\n"); n != 1 || !strings.Contains(out.String(), "msg=yes") {
			t.Errorf("got %s", &out)
		}
	})
	t.Run("a line break in a value does not break the line", func(t *testing.T) {
		for _, format := range []string{"text", "json"} {
			var out bytes.Buffer
			telemetry.NewLogger(&out, slog.LevelInfo, format).Info("a\nb", "key", "c\nlevel=ERROR")
			if n := strings.Count(out.String(), "\n"); n != 1 {
				t.Errorf("%s: %d lines", format, n)
			}
		}
	})
}
