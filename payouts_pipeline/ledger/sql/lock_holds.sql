-- One person at a time places or releases holds; reading them waits for nobody.
lock table payouts.holds in share row exclusive mode
