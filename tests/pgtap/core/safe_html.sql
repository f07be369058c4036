-- core.safe_html, core.is_safe_html, core.escape_html: a short list of what is let in, a long one of what people try.
begin;
select plan(141);

select ok(core.is_safe_html(good), 'safe: ' || left(quote_literal(good), 60))
  from unnest(array[
    '', 'text', 'a "quoted" word and it''s fine', 'ümlaut 漢字 😀', E'two\nlines\tand a tab', '<p>text</p>', '<p></p>', '<p>a<br>b<br/>c<br />d</p>',
    '<p><strong>b</strong> <em>i</em> <u>u</u></p>', '<strong><em><u>x</u></em></strong>', '<p>1</p><p>2</p>', '<a>x</a>',
    '<p><a>1</a> <a>2</a></p>',
    '<a href="https://example.test">x</a>', '<a href="http://example.test/path?a=1&amp;b=2#top">x</a>', '<a href="mailto:ann@example.test">x</a>',
    '<a href="https://example.test:8443/%7Eann/(x)">x</a>', '<p><a href="https://example.test"><strong>x</strong></a></p>',
    '1 &lt; 2 &amp;&amp; 3 &gt; 2', '&quot;x&quot; &#39;y&#39;&nbsp;z', 'javascript: is a word', 'onclick=alert(1) is text', '&lt;script&gt;alert(1)&lt;/script&gt;'
  ]) as good;

select is(core.is_safe_html(bad), false, 'not safe: ' || left(quote_literal(bad), 70))
  from unnest(array[
    -- script in its many spellings
    '<script>alert(1)</script>', '<SCRIPT>alert(1)</SCRIPT>', '<ScRiPt>alert(1)</sCrIpT>', '<script src="https://evil.test/x.js"></script>', '<script/x>alert(1)</script>',
    '<scr<script>ipt>alert(1)</scr</script>ipt>', '<script', '<<script>alert(1)//<</script>', E'<script\n>alert(1)</script>', '<!--<script>alert(1)</script>-->',
    -- event handlers
    '<p onclick="alert(1)">x</p>', '<p ONCLICK=alert(1)>x</p>', '<a href="https://a.test" onmouseover="alert(1)">x</a>', '<strong onfocus=alert(1) autofocus>x</strong>',
    '<br onload=alert(1)>', '<img src=x onerror=alert(1)>', '<svg onload=alert(1)>', '<svg/onload=alert(1)>', '<body onload=alert(1)>', '<details open ontoggle=alert(1)>',
    '<a/onclick=alert(1)>x</a>', E'<p\fonclick=alert(1)>x</p>', '<p/onclick=alert(1)>x</p>',
    -- addresses
    '<a href="javascript:alert(1)">x</a>', '<a href="JaVaScRiPt:alert(1)">x</a>', '<a href=" javascript:alert(1)">x</a>', E'<a href="java\tscript:alert(1)">x</a>',
    E'<a href="java\nscript:alert(1)">x</a>', '<a href="&#106;avascript:alert(1)">x</a>', '<a href="&#x6A;avascript:alert(1)">x</a>', '<a href="javascript&colon;alert(1)">x</a>',
    '<a href="jav&#x09;ascript:alert(1)">x</a>', '<a href="vbscript:msgbox(1)">x</a>', '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="data:text/html;base64,PHNjcmlwdD4=">x</a>', '<a href="//evil.test">x</a>', '<a href="/local">x</a>', '<a href="#top">x</a>', '<a href="">x</a>', '<a href="https://">x</a>',
    '<a href="ftp://example.test">x</a>', '<a href="file:///etc/passwd">x</a>', '<a href="HTTPS://example.test">x</a>', '<a href="https:example.test">x</a>',
    '<a href="https://example.test" href="javascript:alert(1)">x</a>', '<a href=''https://example.test''>x</a>', '<a href=https://example.test>x</a>',
    '<a href="https://example.test" target="_blank">x</a>', '<a href="https://example.test" style="x">x</a>', '<a href="https://example.test"onclick=alert(1)>x</a>',
    '<a href="https://example.test/&quot; onclick=alert(1) x=&quot;">x</a>', '<a href="https://example.test/ x">x</a>', '<a href="https://example.test?a=1&b=2">x</a>',
    '<a href="https://example.test/`alert(1)`">x</a>', '<a href="mailto:a@b.test?body=<script>">x</a>', '<a title="x">x</a>', '<a name="x">x</a>', '<a  href="https://example.test">x</a>',
    -- other elements and forms of them
    '<iframe src="https://evil.test"></iframe>', '<object data="x"></object>', '<embed src="x">', '<link rel=stylesheet href="x">', '<style>p{}</style>', '<meta http-equiv=refresh>',
    '<base href="https://evil.test">', '<form action="x"></form>', '<input autofocus>', '<math><mtext></mtext></math>', '<div>x</div>', '<b>x</b>', '<i>x</i>', '<h1>x</h1>',
    '<p style="background:url(javascript:alert(1))">x</p>', '<p class="x">x</p>', '<P>x</P>', '<BR>', '<p >x</p>', '<p/>', '</br>', '<strong/>', '< p>x</p>', '<p>x</ p>',
    -- balance
    '<p>', '</p>', '<p>x', '<p>x</strong>', '<strong><em>x</strong></em>', '<p>x</p></p>', '<a href="https://example.test">x', '<a><a>x</a></a>',
    -- bare characters, entities, controls
    '1 < 2', '1 > 2', 'a & b', '&', '&lt', '&#60;script&#62;', '&#x3c;script&#x3e;', '&copy;', '&LT;', E'\x01', E'a\x0bb', E'\x7f'
  ]) as bad;

select is(core.is_safe_html(null), null, 'null is null');

-- escape_html
select is(core.escape_html('<a href="x">R&D''s</a>'), '&lt;a href=&quot;x&quot;&gt;R&amp;D&#39;s&lt;/a&gt;', 'the five characters');
select is(core.escape_html('&lt;'), '&amp;lt;', 'an entity is text, too');
select is(core.escape_html(null), null, 'null is null here, too');
select is(core.escape_html(''), '', 'nothing stays nothing');
select ok(core.is_safe_html(core.escape_html(text)), 'escaped it is safe: ' || text)
  from unnest(array['<script>alert(1)</script>', '<p onclick="alert(1)">', '&#106;avascript:', '"><img src=x onerror=''alert(1)''>']) as text;
select ok(core.is_safe_html(repeat('<p>some <strong>long</strong> text &amp; more</p>', 5000)), 'a long fragment');
select ok(core.is_safe_html(repeat('<p>', 500) || repeat('</p>', 500)), 'a deep one');
select is(core.is_safe_html(repeat('<p>', 501) || repeat('</p>', 501)), false, 'but not deeper than a browser goes');
select is(core.is_safe_html('<a><p><a>x</a></p></a>'), false, 'a link is in no link at any depth');

-- the domain
select lives_ok($$ select '<p>x</p>'::core.safe_html $$, 'the domain takes what is safe');
select throws_ok($$ select '<p onclick=x>x</p>'::core.safe_html $$, '23514', null, 'and nothing else');
select tests.act_as('app_user');
select lives_ok($$ select '<p>x</p>'::core.safe_html $$, 'an application may use it');
select * from finish();
rollback;
