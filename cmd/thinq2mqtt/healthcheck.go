package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthcheckCommand asks a running daemon how it is; images without a shell
// need it.
func (a *app) healthcheckCommand() *cobra.Command {
	var path string
	var ready bool
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask the running daemon whether it is alive; exit 1 if not",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.source(path).load()
			if err == nil {
				err = only(cfg.Validate(), "http")
			}
			if err != nil {
				return exit(exitConfig, err)
			}
			if cfg.HTTP.Listen == "" {
				return exitf(exitConfig, "http.listen is empty, so there is nothing to ask: set it")
			}
			probe, password := "/livez", ""
			if ready {
				probe = "/readyz"
				password, _ = cfg.pagePassword().Read() // validated
			}
			return ask(cmd.Context(), cmd.OutOrStdout(), "http://"+dialable(cfg.HTTP.Listen)+probe, password)
		},
	}
	cmd.Flags().BoolVar(&ready, "ready", false, "ask whether it is doing its job (/readyz)")
	configFlag(cmd, &path)
	return cmd
}

// dialable turns an address to listen on into one to connect to.
func dialable(listen string) string {
	host, port, _ := net.SplitHostPort(listen) // validated
	if ip := net.ParseIP(host); host == "" || ip.IsUnspecified() {
		host = "127.0.0.1" // :: takes connections of both families
	}
	return net.JoinHostPort(host, port)
}

// ask makes one request and prints the answer; all but 200 is an error.
func ask(ctx context.Context, w io.Writer, url, password string) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if password != "" {
		req.SetBasicAuth("", password)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return exitf(exitFault, "the daemon does not answer: %w", err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
	text := strings.TrimSpace(string(body))
	if res.StatusCode != http.StatusOK {
		return exitf(exitFault, "%s answers %s: %s", url, res.Status, strings.ReplaceAll(text, "\n", ", "))
	}
	_, err = fmt.Fprintln(w, text)
	return err
}
