package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine describes what the program runs on, a line for each part.
func machine() []string {
	return []string{
		fmt.Sprintf("Machine: %s, %d cores, %s/%s", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH),
		fmt.Sprintf("Go: %s, GOMAXPROCS %d", runtime.Version(), runtime.GOMAXPROCS(0)),
	}
}

// processor is the model's name as the system tells it.
func processor() string {
	switch runtime.GOOS {
	case "linux":
		text, err := os.ReadFile("/proc/cpuinfo")
		if err != nil {
			break
		}
		if model := field(string(text), "model name"); model != "" {
			return model
		}
	case "darwin":
		text, err := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output()
		if err == nil {
			return strings.TrimSpace(string(text))
		}
	}
	return "a processor of unknown model"
}

// field is the value of the first line "name: value" in text.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		key, value, found := strings.Cut(line, ":")
		if found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
