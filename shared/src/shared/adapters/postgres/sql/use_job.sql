UPDATE async_jobs SET used_at = now() WHERE id = $1::uuid
