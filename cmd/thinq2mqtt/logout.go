package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/thinq2mqtt/thinq2mqtt/bridge"
	"github.com/thinq2mqtt/thinq2mqtt/thinq"
)

// logoutCommand undoes login.
func (a *app) logoutCommand() *cobra.Command {
	var path, label string
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "Sign out, for partner accounts (oauth)",
		Long: `Sign out: what login stored is removed, and LG is told where its API has a way
to (oauth.api: v1). A running daemon stops using it within half a minute.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.logout(cmd.Context(), path, label, newTalk(cmd.InOrStdin(), cmd.OutOrStdout()))
		},
	}
	configFlag(cmd, &path)
	accountFlag(cmd, &label)
	return cmd
}

func (a *app) logout(ctx context.Context, path, label string, t *talk) error {
	h, err := a.holder(path, label)
	if err != nil {
		return err
	}
	if _, err := os.Stat(h.dir()); errors.Is(err, fs.ErrNotExist) {
		t.say("Nobody is signed in.\n")
		return nil
	}
	saved := bridge.SignIn(h.dir())
	told := "Nobody was signed in."
	if saved != nil {
		told = "Signed out. " + h.tell(ctx, saved)
	}
	if ctx.Err() != nil {
		return exitf(exitFault, "stopped: the sign-in is kept")
	}
	when, err := h.handOver(nil)
	if err != nil {
		return err
	}
	if saved != nil {
		told += " " + when
	}
	t.say("%s\n", told)
	return nil
}

// tell has LG end the consent, as far as it can be told, and says how that went.
func (h holder) tell(ctx context.Context, saved json.RawMessage) string {
	const byHand = "to withdraw the consent, remove the service in the settings of the LG account"
	err := h.disconnect(ctx, saved)
	switch {
	case err == nil:
		return "LG knows it."
	case thinq.ClassOf(err) == thinq.Unsupported:
		return "LG's API has no way to tell it: " + byHand + "."
	}
	return "LG could not be told (" + err.Error() + "): " + byHand + "."
}

func (h holder) disconnect(ctx context.Context, saved json.RawMessage) error {
	var token thinq.Token
	if err := json.Unmarshal(saved, &token); err != nil {
		return err
	}
	h.app.secrets.hide(token.AccessToken)
	h.app.secrets.hide(token.RefreshToken)
	emp, err := h.app.emp(h.cfg, h.label)
	if err != nil {
		return err
	}
	// What a renewal brings is used here once and then forgotten with the rest.
	tokens := thinq.NewTokenSource(token, emp.Refresh, func(thinq.Token) error { return nil })
	defer tokens.Close()
	client, err := h.client(thinq.Options{Token: tokens.Token, Renew: tokens.Renew})
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Disconnect(ctx)
}
