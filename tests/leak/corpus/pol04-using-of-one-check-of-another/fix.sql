drop policy archive_once on agency.campaigns;
