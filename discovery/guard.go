package discovery

import (
	"strings"

	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// A guard says why a wish of an appliance is refused without asking LG; now is
// the state with the wishes of higher rank already in it.
type guard func(d *Device, wish, now thinq.State) *Rejection

// remoteFlag says whether an appliance lets itself be started from afar.
const remoteFlag = "remoteControlEnable.remoteControlEnabled"

// unarmed is the refusal of what LG answers with 2301.
func unarmed() *Rejection {
	return &Rejection{Reason: "remote_off", Message: "Remote start is switched off at the appliance. Switch it on there, then try again.", Reported: true}
}

func doorOpen() *Rejection {
	return &Rejection{Reason: "door_open", Message: "The door is open. Close it, then try again.", Reported: true}
}

func childLocked() *Rejection {
	return &Rejection{Reason: "child_lock", Message: "The child lock is on at the appliance. Switch it off there, then try again.", Reported: true}
}

// needsLeave is the refusal of what may do harm and the owner has not allowed.
func needsLeave(d *Device) *Rejection {
	return &Rejection{Reason: "remote_start", Message: "This may start heat. To allow it, set remote_start: true for " + d.whole() + " in the configuration."}
}

// notAllowed is the refusal of what nobody knows and the owner has not allowed.
func notAllowed(d *Device, path thinq.Path) *Rejection {
	return &Rejection{Reason: "not_allowed", Message: "Nobody knows what this would begin. To allow it, set allow: [" + path.Key() + "] for " + d.whole() + " in the configuration."}
}

// whole is the slug of the appliance: its halves are allowed things together.
func (d *Device) whole() string { return strings.TrimSuffix(d.Slug, "_"+slugWord(d.Part)) }
