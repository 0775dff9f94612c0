package main

import "testing"

func TestFieldIsTheFirstLinesValue(t *testing.T) {
	const text = "# Server\r\nredis_version:7.0.15\r\nmodel name\t: A: B\nmodel name\t: C\n"
	for name, want := range map[string]string{"redis_version": "7.0.15", "model name": "A: B", "model": "", "valkey_version": ""} {
		if got := field(text, name); got != want {
			t.Errorf("field(%q) = %q, want %q", name, got, want)
		}
	}
}
