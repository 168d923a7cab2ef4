package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A sign-in that LG refuses ends with what to do about it.
func TestSignInFailedSaysWhatToDo(t *testing.T) {
	tests := []struct {
		code, remedy string
		exit         int
	}{
		{"1103", `: run "thinq2mqtt login" again`, 77},
		{"1304", ": open the LG ThinQ app and accept them", 77},
		{"1307", ": set the country in which the account was made", 78},
		{"1306", `(code 1306, HTTP 401)`, 75},
	}
	for _, tt := range tests {
		err := signInFailed(fmt.Errorf("GET /v2/devices: %w", &thinq.Error{Status: 401, Code: tt.code, SignIn: true}))
		if codeOf(err) != tt.exit || !strings.HasSuffix(err.Error(), tt.remedy) {
			t.Errorf("%s: exit %d, %v", tt.code, codeOf(err), err)
		}
	}
}
