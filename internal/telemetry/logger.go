package telemetry

import (
	"io"
	"log/slog"
)

// NewLogger returns a logger that writes one line per record to w, from level on. Format "json" gives JSON objects;
// anything else gives key=value text. It can be used by several goroutines at once; w gets one Write at a time.
func NewLogger(w io.Writer, level slog.Level, format string) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
