/** A MariaDB schema of everything a small product may have, and rows that are easily spoilt on their way. */
export const MARKER = "the-marker-nobody-else-may-read";

/** Each is one statement. */
export const ODD_MARIADB: readonly string[] = [
  "set sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'",
  "create sequence tickets start with 1000 increment by 5",
  `create table places (id bigint unsigned not null auto_increment primary key, name varchar(60) not null, mood enum('fine', 'it''s so-so', 'bad\\\\mood'),
    features set('a', 'b', 'c'), spot point, at_id uuid, host inet6, unique key by_name (name), fulltext key words (name)) default charset = utf8mb4`,
  `insert into places (name, mood, features, spot, at_id, host) select concat('place ', seq), 1 + seq % 3, elt(1 + seq % 3, 'a', 'b,c', ''),
    point(seq, seq / -7.0), uuid(), '::1' from seq_1_to_200`,
  `create table orders (
    id int not null auto_increment primary key, place bigint unsigned not null, ticket int default nextval(tickets), words text, latin varchar(40) character set latin1,
    raw varbinary(40), picture blob, half float, whole double, exact decimal(30, 10), small tinyint unsigned zerofill, flags bit(9), yes boolean,
    day date, at timestamp(6) null, naive datetime(3), took time(2), vintage year, doc json, loud varchar(200) as (upper(words)) virtual,
    kept int as (place * 2) persistent, key by_place (place, day), key by_loud (loud), constraint belongs foreign key (place) references places (id) on delete cascade,
    constraint sane check (place > 0)) default charset = utf8mb4 comment = 'a ''comment''\\nof two lines'`,
  `insert into orders (place, words, latin, raw, picture, half, whole, exact, small, flags, yes, day, at, naive, took, vintage, doc)
    select 1 + seq % 200,
      elt(1 + seq % 10, null, '', 'tab\\there', 'line\\nbreak\\r', 'back\\\\slash', '\\\\N', concat('zero', char(0), 'byte'), 'ä 你好 😀', 'quote '' and "', '${MARKER}'),
      elt(1 + seq % 3, 'café', null, ''), unhex(concat(md5(seq), '00ff0a095c')), if(seq % 4 = 0, null, unhex(sha1(seq))), 1 / seq, pi() * seq * pow(10, cast(seq % 40 as signed) - 20), seq / 7,
      seq % 200, seq % 512, seq % 2, if(seq % 100 = 0, '2024-02-31', if(seq % 101 = 0, '0000-00-00', date_add('2000-02-29', interval seq day))),
      timestampadd(microsecond, seq * 1000001, '1999-12-31 23:59:59.999999'), timestampadd(second, seq, '2024-03-31 02:30:00.125'), sec_to_time(seq - 6000.5), 1970 + seq % 80,
      json_object('n', seq, 'words', 'tab\\tline\\n"\\\\')
    from seq_1_to_12000`,
  "create table `odd ``table` (`Key ``one` varchar(20) not null, day date not null, `key two` int not null, payload text, primary key (`Key ``one`, day, `key two`)) default charset = utf8mb4",
  "insert into `odd ``table` select concat('K\\\\ey\\t''', seq % 100), date_add('2020-01-01', interval seq % 7 day), seq, repeat('x', seq % 300) from seq_1_to_3000",
  "create table log (at datetime, line text, counted int not null auto_increment, key (counted))",
  // More than one part, and no key to go on by.
  "insert into log (at, line) select timestampadd(second, seq, '2026-01-01'), concat('line ', seq, repeat(md5(seq), 50)) from seq_1_to_22000",
  "create table bytes_first (k binary(16) not null primary key, v int)",
  "insert into bytes_first select unhex(md5(seq)), seq from seq_1_to_3000",
  "create table empty_one (id int primary key)",
  "create table parts (id int not null, day int not null, primary key (id, day)) partition by range (day) (partition early values less than (10), partition late values less than maxvalue)",
  "insert into parts select seq, seq % 20 from seq_1_to_1000",
  "create view z_loud as select id, loud from orders where loud is not null",
  // Read in the order of names, it would come before what it needs.
  "create view a_louder as select count(*) as n from z_loud",
  "create function shout(words text) returns text deterministic begin declare loud text; set loud = upper(words); return concat(loud, ';'); end",
  "create procedure clear(in who int) begin delete from orders where id = who; select row_count(); end",
  "create trigger stamped before insert on orders for each row begin set new.words = coalesce(new.words, 'none;'); end",
  "create event tidy on schedule every 1 day do begin delete from log where at < '2000-01-01'; end",
];
