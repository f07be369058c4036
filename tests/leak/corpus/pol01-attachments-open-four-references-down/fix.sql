drop policy for_events on ta.attachments;
