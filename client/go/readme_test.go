package genesis

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The programs of the README compile.
func TestProgramsOfTheReadmeCompile(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	programs := strings.Split(string(text), "```go\n")[1:]
	if len(programs) != 2 {
		t.Errorf("%d programs", len(programs))
	}
	for number, one := range programs {
		program, _, _ := strings.Cut(one, "```")
		file := filepath.Join(t.TempDir(), fmt.Sprintf("readme%d.go", number))
		if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
			t.Fatal(err)
		}
		if said, err := exec.CommandContext(t.Context(), "go", "vet", file).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, said)
		}
	}
}
