package items_test

import (
	"os"
	"strings"
	"testing"
)

// It stands with the example because it goes with it: who deletes the one has a program that differs.
func TestTheReadmeShowsTheProgramAsItIs(t *testing.T) {
	program, err := os.ReadFile("../../cmd/server/main.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(program), "package main\n")
	if !strings.Contains(string(readme), "```go\npackage main\n"+body+"```") {
		t.Errorf("README.md does not hold cmd/server/main.go:\n%s", body)
	}
}
