BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0005');
CREATE TABLE drafts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	owner_id BIGINT NOT NULL, 
	chat_id BIGINT NOT NULL, 
	message_id BIGINT, 
	kind VARCHAR(16) NOT NULL, 
	body JSON NOT NULL, 
	created_at DOUBLE NOT NULL, 
	closed_at DOUBLE
);
INSERT INTO "drafts" VALUES(1,1001,1001,NULL,'order','{"request": {"kind": "x4", "image": {"blob": "dac33c3a19fe7595ffa050fb006585d26e6e74f442f4b93e7bb0852d636483c5", "width": 1100, "height": 1100}, "seeds": [1000], "refine": true, "exact_official_resize": false}, "line": "--n 1 --seed 1000 --scale 4", "remarks": [], "action": "upscale", "key": null, "parents": [{"picture_id": null, "upload_id": 1}], "unknown": [], "under": 1}',1799999970.94,NULL);
INSERT INTO "drafts" VALUES(2,1001,1001,25,'mask','{"given": {"picture_id": null, "upload_id": 6, "source": {"blob": "b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e", "width": 192, "height": 128}}, "words": "a kite --n 1 --seed 8", "own_words": "", "grid": 3, "cells": [0, 3, 6], "painted": null, "steps": 0, "asked": null}',1799999981.6,1799999982.42);
INSERT INTO "drafts" VALUES(3,1001,1001,45,'mix','{"pictures": [{"picture_id": null, "upload_id": 7, "source": {"blob": "b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e", "width": 192, "height": 128}}, {"picture_id": null, "upload_id": 8, "source": {"blob": "f1f33be1b818b18a1a9b0ddbdcf644d1ae646b389efdd0a5d2511cbff0e23498", "width": 192, "height": 128}}], "weights": [0.5, 0.5], "words": "a garden --seed 11 --n 1", "collecting": false}',1799999987.29,NULL);
INSERT INTO "drafts" VALUES(4,1001,1001,47,'mix','{"pictures": [], "weights": [], "words": "", "collecting": true}',1799999987.57,1799999987.73);
INSERT INTO "drafts" VALUES(5,1003,1003,49,'mix','{"pictures": [{"picture_id": null, "upload_id": 9, "source": {"blob": "82993e65fa27cef1491c6439ba9d68cb9651e3d717491707d086866dad6f2b54", "width": 192, "height": 128}}], "weights": [1.0], "words": "", "collecting": true}',1799999987.89,NULL);
INSERT INTO "drafts" VALUES(6,1001,1001,53,'words','{"command": "control", "given": {"picture_id": null, "upload_id": 10, "source": {"blob": "82993e65fa27cef1491c6439ba9d68cb9651e3d717491707d086866dad6f2b54", "width": 192, "height": 128}}}',1799999989.93,NULL);
INSERT INTO "drafts" VALUES(7,1001,1001,NULL,'frame','{"given": {"picture_id": null, "upload_id": 10, "source": {"blob": "82993e65fa27cef1491c6439ba9d68cb9651e3d717491707d086866dad6f2b54", "width": 192, "height": 128}}, "words": ""}',1799999990.45,NULL);
INSERT INTO "drafts" VALUES(8,1001,1001,55,'mask','{"given": {"picture_id": null, "upload_id": 10, "source": {"blob": "82993e65fa27cef1491c6439ba9d68cb9651e3d717491707d086866dad6f2b54", "width": 192, "height": 128}}, "words": "", "own_words": "", "grid": 3, "cells": [0], "painted": null, "steps": 0, "asked": 56}',1799999990.85,NULL);
INSERT INTO "drafts" VALUES(9,1001,1001,57,'mask','{"given": {"picture_id": null, "upload_id": 10, "source": {"blob": "82993e65fa27cef1491c6439ba9d68cb9651e3d717491707d086866dad6f2b54", "width": 192, "height": 128}}, "words": "", "own_words": "", "grid": 3, "cells": [], "painted": null, "steps": 0, "asked": null}',1799999992.74,NULL);
INSERT INTO "drafts" VALUES(10,1001,1001,60,'edit','{"job": 16}',1799999997.04,NULL);
CREATE TABLE inbox (
	update_id INTEGER NOT NULL, 
	body TEXT, 
	received_at DOUBLE NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	handled_at DOUBLE, 
	set_aside VARCHAR(255), 
	CONSTRAINT pk_inbox PRIMARY KEY (update_id)
);
INSERT INTO "inbox" VALUES(602090736,NULL,1799999969.57,3,NULL,'RuntimeError: boom');
INSERT INTO "inbox" VALUES(602090751,NULL,1799999971.12,1,1799999971.31,NULL);
INSERT INTO "inbox" VALUES(602090758,NULL,1799999971.85,1,1799999972.19,NULL);
INSERT INTO "inbox" VALUES(602090763,NULL,1799999972.31,1,1799999972.44,NULL);
INSERT INTO "inbox" VALUES(602090765,NULL,1799999972.54,1,1799999972.74,NULL);
INSERT INTO "inbox" VALUES(602090769,NULL,1799999972.86,1,1799999972.91,NULL);
INSERT INTO "inbox" VALUES(602090770,NULL,1799999973.04,1,1799999973.36,NULL);
INSERT INTO "inbox" VALUES(602090778,NULL,1799999973.76,1,1799999973.97,NULL);
INSERT INTO "inbox" VALUES(602090781,NULL,1799999974.08,1,1799999974.13,NULL);
INSERT INTO "inbox" VALUES(602090782,NULL,1799999974.24,1,1799999974.42,NULL);
INSERT INTO "inbox" VALUES(602090789,NULL,1799999974.85,1,1799999975.08,NULL);
INSERT INTO "inbox" VALUES(602090794,NULL,1799999975.4,1,1799999975.65,NULL);
INSERT INTO "inbox" VALUES(602090803,NULL,1799999976.27,1,1799999976.3,NULL);
INSERT INTO "inbox" VALUES(602090804,NULL,1799999976.42,1,1799999976.48,NULL);
INSERT INTO "inbox" VALUES(602090806,NULL,1799999976.58,1,1799999976.6,NULL);
INSERT INTO "inbox" VALUES(602090807,NULL,1799999976.58,1,1799999976.71,NULL);
INSERT INTO "inbox" VALUES(602090810,NULL,1799999977.03,1,1799999977.48,NULL);
INSERT INTO "inbox" VALUES(602090819,NULL,1799999977.92,1,1799999979.22,NULL);
INSERT INTO "inbox" VALUES(602090820,NULL,1799999977.92,1,1799999979.22,NULL);
INSERT INTO "inbox" VALUES(602090837,NULL,1799999979.67,1,1799999980.01,NULL);
INSERT INTO "inbox" VALUES(602090844,NULL,1799999980.45,1,1799999981.67,NULL);
INSERT INTO "inbox" VALUES(602090858,NULL,1799999981.77,1,1799999982.47,NULL);
INSERT INTO "inbox" VALUES(602090868,NULL,1799999982.8,1,1799999983.0,NULL);
INSERT INTO "inbox" VALUES(602090871,NULL,1799999983.1,1,1799999983.2,NULL);
INSERT INTO "inbox" VALUES(602090873,NULL,1799999983.28,1,1799999983.38,NULL);
INSERT INTO "inbox" VALUES(602090875,NULL,1799999983.46,1,1799999983.51,NULL);
INSERT INTO "inbox" VALUES(602090876,NULL,1799999983.61,1,1799999983.73,NULL);
INSERT INTO "inbox" VALUES(602090878,NULL,1799999983.82,1,1799999983.91,NULL);
INSERT INTO "inbox" VALUES(602090881,NULL,1799999984.12,1,1799999984.22,NULL);
INSERT INTO "inbox" VALUES(602090885,NULL,1799999984.53,1,1799999984.76,NULL);
INSERT INTO "inbox" VALUES(602090896,NULL,1799999985.6,1,1799999985.85,NULL);
INSERT INTO "inbox" VALUES(602090903,NULL,1799999986.28,1,1799999987.46,NULL);
INSERT INTO "inbox" VALUES(602090904,NULL,1799999986.28,1,1799999987.46,NULL);
INSERT INTO "inbox" VALUES(602090915,NULL,1799999987.54,1,1799999987.61,NULL);
INSERT INTO "inbox" VALUES(602090917,NULL,1799999987.7,1,1799999987.75,NULL);
INSERT INTO "inbox" VALUES(602090919,NULL,1799999987.87,1,1799999987.94,NULL);
INSERT INTO "inbox" VALUES(602090921,NULL,1799999988.05,1,1799999988.22,NULL);
INSERT INTO "inbox" VALUES(602090923,NULL,1799999988.31,1,1799999989.74,NULL);
INSERT INTO "inbox" VALUES(602090939,NULL,1799999989.88,1,1799999989.97,NULL);
INSERT INTO "inbox" VALUES(602090942,NULL,1799999990.23,1,1799999990.52,NULL);
INSERT INTO "inbox" VALUES(602090946,NULL,1799999990.63,1,1799999990.88,NULL);
INSERT INTO "inbox" VALUES(602090950,NULL,1799999991.04,1,1799999991.96,NULL);
INSERT INTO "inbox" VALUES(602090961,NULL,1799999992.12,1,1799999992.4,NULL);
INSERT INTO "inbox" VALUES(602090966,NULL,1799999992.58,1,1799999992.79,NULL);
INSERT INTO "inbox" VALUES(602090969,NULL,1799999992.94,1,1799999996.56,NULL);
INSERT INTO "inbox" VALUES(602091010,NULL,1799999996.98,1,1799999997.12,NULL);
INSERT INTO "inbox" VALUES(602091012,NULL,1799999997.21,1,1799999997.35,NULL);
INSERT INTO "inbox" VALUES(602091014,NULL,1799999997.44,1,1799999997.69,NULL);
INSERT INTO "inbox" VALUES(602091018,NULL,1799999997.79,1,1799999998.15,NULL);
INSERT INTO "inbox" VALUES(602091022,NULL,1799999998.25,1,1799999998.39,NULL);
INSERT INTO "inbox" VALUES(602091025,NULL,1799999998.49,1,1799999998.57,NULL);
INSERT INTO "inbox" VALUES(602091027,NULL,1799999998.66,1,1799999998.95,NULL);
INSERT INTO "inbox" VALUES(602091030,NULL,1799999999.04,1,1799999999.17,NULL);
INSERT INTO "inbox" VALUES(602091033,NULL,1799999999.28,1,1799999999.53,NULL);
INSERT INTO "inbox" VALUES(602091037,NULL,1799999999.65,1,1799999999.68,NULL);
INSERT INTO "inbox" VALUES(602091038,'{"update_id": 602091038, "message": {"message_id": 4, "from": {"id": 1001, "is_bot": false, "first_name": "User", "last_name": "1001", "language_code": "en"}, "chat": {"id": -500, "type": "supergroup", "title": "Group -500"}, "date": 1795898703, "text": "/styles", "entities": [{"type": "bot_command", "offset": 0, "length": 7}]}}',1799999999.78,1,NULL,NULL);
CREATE TABLE inbox_steps (
	update_id INTEGER NOT NULL, 
	step VARCHAR(96) NOT NULL, 
	result TEXT, 
	CONSTRAINT pk_inbox_steps PRIMARY KEY (update_id, step)
);
CREATE TABLE jobs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	update_id BIGINT, 
	owner_id BIGINT NOT NULL, 
	chat_id BIGINT NOT NULL, 
	message_id BIGINT, 
	request TEXT NOT NULL, 
	context JSON NOT NULL, 
	compatibility VARCHAR(64) NOT NULL, 
	cost DOUBLE NOT NULL, 
	priority INTEGER DEFAULT '0' NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	outcome TEXT, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	retries INTEGER DEFAULT '0' NOT NULL, 
	crashes INTEGER DEFAULT '0' NOT NULL, 
	suspect BOOLEAN DEFAULT '0' NOT NULL, 
	overtaken INTEGER DEFAULT '0' NOT NULL, 
	not_before DOUBLE, 
	created_at DOUBLE NOT NULL, 
	queued_at DOUBLE, 
	sent_at DOUBLE, 
	started_at DOUBLE, 
	finished_at DOUBLE, 
	shown_at DOUBLE, 
	CONSTRAINT uq_jobs_update_id UNIQUE (update_id)
);
INSERT INTO "jobs" VALUES(1,602090751,1001,1001,4,'{"prompt":"a red circle","seeds":[1,2],"width":256,"height":256,"kind":"flash"}','{"language": "en", "line": "a red circle --ar 1:1 --n 2 --seed 1 --flash", "private": true, "reply_to": 3, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash:256x256',0.524288,0,'done','{"type":"finished","pictures":[{"tile":0,"blob":"b28002972154fbc8e7a0b3b3e11bd73a9dd5148ba2c74f8a3164dc79ff579367","width":256,"height":256,"recipe":{"request":{"prompt":"a red circle","seeds":[1,2],"width":256,"height":256,"kind":"flash"},"tile":0,"checkpoints":{"unet":"squares"},"code_version":"0.1.0"}},{"tile":1,"blob":"97e50d698953fc0638d0656af0f5ec942da167ec5ac8fe3f51acaf010a2a2751","width":256,"height":256,"recipe":{"request":{"prompt":"a red circle","seeds":[1,2],"width":256,"height":256,"kind":"flash"},"tile":1,"checkpoints":{"unet":"squares"},"code_version":"0.1.0"}}],"texts":[],"notes":[],"engine_seconds":1.234}',1,0,0,0,0,NULL,1799999971.15,1799999971.27,1799999971.31,1799999971.41,1799999971.43,1799999971.69);
INSERT INTO "jobs" VALUES(2,602090770,1001,1001,8,'{"prompt":"a red circle","seeds":[2],"width":256,"height":256,"negative_prompt":"","negative_mode":"sane","steps":25,"guidance_scale":3.0,"eta":1.0,"kind":"refine","image":{"blob":"97e50d698953fc0638d0656af0f5ec942da167ec5ac8fe3f51acaf010a2a2751","width":256,"height":256},"strength":0.3}','{"language": "en", "line": "a red circle --style default --n 1 --seed 2", "private": true, "reply_to": 5, "thread": null, "action": "refine", "key": "o:refine:2:0", "parent_id": null, "parents": [{"picture_id": 2, "upload_id": null}], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','refine:256x256',0.917504,0,'done','{"type":"finished","pictures":[{"tile":0,"blob":"d2e99b7f315138910d676ef708199bc7e1becb2fbab9c205df13c28696680e6b","width":256,"height":256,"recipe":{"request":{"prompt":"a red circle","seeds":[2],"width":256,"height":256,"negative_prompt":"","negative_mode":"sane","steps":25,"guidance_scale":3.0,"eta":1.0,"kind":"refine","image":{"blob":"97e50d698953fc0638d0656af0f5ec942da167ec5ac8fe3f51acaf010a2a2751","width":256,"height":256},"strength":0.3},"tile":0,"checkpoints":{"unet":"squares"},"code_version":"0.1.0"}}],"texts":[],"notes":[],"engine_seconds":1.234}',1,0,0,0,0,NULL,1799999973.1,1799999973.25,1799999973.3,1799999973.47,1799999973.5,1799999973.66);
INSERT INTO "jobs" VALUES(3,602090782,1001,1001,10,'{"kind":"flash_x2","image":{"blob":"97e50d698953fc0638d0656af0f5ec942da167ec5ac8fe3f51acaf010a2a2751","width":256,"height":256},"seeds":[10000],"refine":true,"exact_official_resize":false}','{"language": "en", "line": "--n 1 --seed 10000 --scale 2", "private": true, "reply_to": 5, "thread": null, "action": "upscale", "key": "o:x2:2:0", "parent_id": null, "parents": [{"picture_id": 2, "upload_id": null}], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash_x2:512x512',1.31072,0,'done','{"type":"finished","pictures":[{"tile":0,"blob":"4b196ceae3f8d1176638236363e5bd3296741749c4c85890c9cbd49af11acb6e","width":512,"height":512,"recipe":{"request":{"kind":"flash_x2","image":{"blob":"97e50d698953fc0638d0656af0f5ec942da167ec5ac8fe3f51acaf010a2a2751","width":256,"height":256},"seeds":[10000],"refine":true,"exact_official_resize":false},"tile":0,"checkpoints":{"unet":"squares"},"code_version":"0.1.0"}}],"texts":[],"notes":[],"engine_seconds":1.234}',1,0,0,0,0,NULL,1799999974.32,1799999974.37,1799999974.39,1799999974.56,1799999974.61,1799999974.75);
INSERT INTO "jobs" VALUES(4,602090789,1001,1001,12,'{"prompt":"a blue cat","seeds":[4],"width":256,"height":256,"negative_prompt":"text","negative_mode":"sane","steps":50,"guidance_scale":3.0,"eta":1.0,"kind":"full"}','{"language": "en", "line": "a blue cat --ar 1:1 --n 1 --seed 4 --full --no text", "private": true, "reply_to": 11, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','full:256x256',6.5536,0,'done','{"type":"finished","pictures":[{"tile":0,"blob":"894e1f8fa975415eef7326366d86d1d9697fb4cdf40e48cc3c8abb3abd540e77","width":256,"height":256,"recipe":{"request":{"prompt":"a blue cat","seeds":[4],"width":256,"height":256,"negative_prompt":"text","negative_mode":"sane","steps":50,"guidance_scale":3.0,"eta":1.0,"kind":"full"},"tile":0,"checkpoints":{"unet":"squares"},"code_version":"0.1.0"}}],"texts":[],"notes":[],"engine_seconds":1.234}',1,0,0,0,0,NULL,1799999974.91,1799999975.02,1799999975.07,1799999975.18,1799999975.21,NULL);
INSERT INTO "jobs" VALUES(5,602090794,1003,1003,14,'{"prompt":"лиса","seeds":[0],"kind":"translate"}','{"language": "ru", "line": "\u043b\u0438\u0441\u0430 --ar 1:1 --n 1 --seed 2 --flash", "private": true, "reply_to": 13, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": {"prompt": "\u043b\u0438\u0441\u0430", "seeds": [2], "width": 256, "height": 256, "kind": "flash"}, "translating": "prompt", "follows": null}','translate:0x0',40.0,0,'done','{"type":"finished","pictures":[],"texts":["a fox"],"notes":[],"engine_seconds":0.0}',1,0,0,0,0,NULL,1799999975.46,1799999975.6,1799999975.66,1799999975.76,1799999975.79,1799999975.92);
INSERT INTO "jobs" VALUES(6,-5,1003,1003,14,'{"prompt":"a fox","seeds":[2],"width":256,"height":256,"kind":"flash"}','{"language": "ru", "line": "\u043b\u0438\u0441\u0430 --ar 1:1 --n 1 --seed 2 --flash", "private": true, "reply_to": 13, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": 5}','flash:256x256',0.262144,0,'done','{"type":"finished","pictures":[{"tile":0,"blob":"5cf48dde0a58f509c391cdec4830f523ccf55e906234637f7eb37faba0805a99","width":256,"height":256,"recipe":{"request":{"prompt":"a fox","seeds":[2],"width":256,"height":256,"kind":"flash"},"tile":0,"checkpoints":{"unet":"squares"},"code_version":"0.1.0"}}],"texts":[],"notes":[],"engine_seconds":1.234}',1,0,0,0,0,NULL,1799999975.82,1799999975.88,1799999975.93,1799999975.98,1799999976.01,1799999976.18);
INSERT INTO "jobs" VALUES(7,602090807,1001,-500,3,'{"prompt":"a green circle","seeds":[3],"width":256,"height":256,"kind":"flash"}','{"language": "en", "line": "a green circle --ar 1:1 --n 1 --seed 3 --flash", "private": false, "reply_to": 2, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash:256x256',0.262144,0,'done','{"type":"finished","pictures":[{"tile":0,"blob":"197469bb16e7ba6659fbf3d4310ab0ef23202ae786b756df0d6fbb450f9eaf6d","width":256,"height":256,"recipe":{"request":{"prompt":"a green circle","seeds":[3],"width":256,"height":256,"kind":"flash"},"tile":0,"checkpoints":{"unet":"squares"},"code_version":"0.1.0"}}],"texts":[],"notes":[],"engine_seconds":1.234}',1,0,0,0,0,NULL,1799999976.61,1799999976.68,1799999976.75,1799999976.84,1799999976.84,1799999976.93);
INSERT INTO "jobs" VALUES(8,602090810,1001,1001,18,'{"prompt":"","seeds":[5],"width":320,"height":192,"negative_prompt":"","negative_mode":"sane","steps":50,"guidance_scale":7.5,"eta":1.0,"kind":"mix","images":[{"blob":"b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e","width":192,"height":128,"weight":1.0}],"image_scale":1.0}','{"language": "en", "line": "--n 1 --seed 5", "private": true, "reply_to": 17, "thread": null, "action": "vary", "key": null, "parent_id": null, "parents": [{"picture_id": null, "upload_id": 2}], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','mix:320x192',6.144,0,'done','{"type":"finished","pictures":[{"tile":0,"blob":"ed8d5e3d6b698ec7f516e3b2cfb8040495b89c7a8fa032641d5588982edf87fb","width":320,"height":192,"recipe":{"request":{"prompt":"","seeds":[5],"width":320,"height":192,"negative_prompt":"","negative_mode":"sane","steps":50,"guidance_scale":7.5,"eta":1.0,"kind":"mix","images":[{"blob":"b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e","width":192,"height":128,"weight":1.0}],"image_scale":1.0},"tile":0,"checkpoints":{"unet":"squares"},"code_version":"0.1.0"}}],"texts":[],"notes":[],"engine_seconds":1.234}',1,0,0,0,0,NULL,1799999977.33,1799999977.45,1799999977.48,1799999977.57,1799999977.59,1799999977.78);
INSERT INTO "jobs" VALUES(9,602090819,1001,1001,21,'{"prompt":"a bridge","seeds":[6],"width":320,"height":192,"negative_prompt":"","negative_mode":"sane","steps":50,"guidance_scale":7.0,"eta":1.0,"kind":"scribble","image":{"blob":"b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e","width":192,"height":128},"drawn":false,"scale":1.0,"start":0.0,"end":1.0,"styles":[{"blob":"f1f33be1b818b18a1a9b0ddbdcf644d1ae646b389efdd0a5d2511cbff0e23498","width":192,"height":128,"weight":1.0}],"style_scale":1.0,"hint_range":[0.0,1.0]}','{"language": "en", "line": "a bridge --n 1 --seed 6", "private": true, "reply_to": 19, "thread": null, "action": "control", "key": null, "parent_id": null, "parents": [{"picture_id": null, "upload_id": 3}, {"picture_id": null, "upload_id": 4}], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','scribble:320x192',6.144,0,'done','{"type":"finished","pictures":[{"tile":0,"blob":"74d05e26c66a769ffcd616c7941e5715d6e2a5f0b685c8c1ca274f38bed9151f","width":320,"height":192,"recipe":{"request":{"prompt":"a bridge","seeds":[6],"width":320,"height":192,"negative_prompt":"","negative_mode":"sane","steps":50,"guidance_scale":7.0,"eta":1.0,"kind":"scribble","image":{"blob":"b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e","width":192,"height":128},"drawn":false,"scale":1.0,"start":0.0,"end":1.0,"styles":[{"blob":"f1f33be1b818b18a1a9b0ddbdcf644d1ae646b389efdd0a5d2511cbff0e23498","width":192,"height":128,"weight":1.0}],"style_scale":1.0,"hint_range":[0.0,1.0]},"tile":0,"checkpoints":{"unet":"squares"},"code_version":"0.1.0"}}],"texts":[],"notes":[],"engine_seconds":1.234}',1,0,0,0,0,NULL,1799999979.1,1799999979.19,1799999979.23,1799999979.32,1799999979.34,1799999979.55);
INSERT INTO "jobs" VALUES(10,602090837,1001,1001,23,'{"prompt":"a sea","seeds":[7],"negative_prompt":"","negative_mode":"sane","steps":50,"guidance_scale":4.0,"eta":1.0,"kind":"outpaint","image":{"blob":"f1f33be1b818b18a1a9b0ddbdcf644d1ae646b389efdd0a5d2511cbff0e23498","width":192,"height":128},"width":288,"height":128,"box":[0,0,192,128],"native_side":256}','{"language": "en", "line": "a sea --n 1 --seed 7", "private": true, "reply_to": 22, "thread": null, "action": "outpaint", "key": null, "parent_id": null, "parents": [{"picture_id": null, "upload_id": 5}], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','outpaint:256x256',6.5536,0,'done','{"type":"finished","pictures":[{"tile":0,"blob":"d1e8f87838b19aa171f9318ce1e07a8e0e354a8acc97d18e844eabf648253cbe","width":288,"height":128,"recipe":{"request":{"prompt":"a sea","seeds":[7],"negative_prompt":"","negative_mode":"sane","steps":50,"guidance_scale":4.0,"eta":1.0,"kind":"outpaint","image":{"blob":"f1f33be1b818b18a1a9b0ddbdcf644d1ae646b389efdd0a5d2511cbff0e23498","width":192,"height":128},"width":288,"height":128,"box":[0,0,192,128],"native_side":256},"tile":0,"checkpoints":{"unet":"squares"},"code_version":"0.1.0"}}],"texts":[],"notes":[],"engine_seconds":1.234}',1,0,0,0,0,NULL,1799999979.86,1799999979.94,1799999980.03,1799999980.1,1799999980.1,1799999980.34);
INSERT INTO "jobs" VALUES(11,602090858,1001,1001,26,'{"prompt":"a kite","seeds":[8],"negative_prompt":"","negative_mode":"sane","steps":50,"guidance_scale":4.0,"eta":1.0,"kind":"inpaint","image":{"blob":"b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e","width":192,"height":128},"mask":"b71882101da878da32b70fa8ccdcdc37e4c3fca3c12ac575575acd91c899b851","focus":true,"paste":true,"native_side":256}','{"language": "en", "line": "a kite --n 1 --seed 8", "private": true, "reply_to": 25, "thread": null, "action": "inpaint", "key": "mask:2", "parent_id": null, "parents": [{"picture_id": null, "upload_id": 6}], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','inpaint:256x256',6.5536,0,'done','{"type":"finished","pictures":[{"tile":0,"blob":"67e5d419c427c37d669f72f70a1d4f5065821ebfe60ad52851802422ab52f48d","width":192,"height":128,"recipe":{"request":{"prompt":"a kite","seeds":[8],"negative_prompt":"","negative_mode":"sane","steps":50,"guidance_scale":4.0,"eta":1.0,"kind":"inpaint","image":{"blob":"b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e","width":192,"height":128},"mask":"b71882101da878da32b70fa8ccdcdc37e4c3fca3c12ac575575acd91c899b851","focus":true,"paste":true,"native_side":256},"tile":0,"checkpoints":{"unet":"squares"},"code_version":"0.1.0"}}],"texts":[],"notes":[],"engine_seconds":1.234}',1,0,0,0,0,NULL,1799999982.05,1799999982.39,1799999982.44,1799999982.56,1799999982.56,1799999982.71);
INSERT INTO "jobs" VALUES(12,602090878,1001,1001,36,'{"prompt":"a failure","seeds":[9],"width":256,"height":256,"kind":"flash"}','{"language": "en", "line": "a failure --ar 1:1 --n 1 --seed 9 --flash", "private": true, "reply_to": 35, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash:256x256',0.262144,0,'failed','{"type":"failed","code":"internal","message":"RuntimeError: boom","retryable":false}',1,0,0,0,0,NULL,1799999983.88,1799999983.9,1799999983.92,1799999983.99,1799999984.0,1799999984.02);
INSERT INTO "jobs" VALUES(13,602090881,1001,1001,38,'{"prompt":"a failure that nobody has seen","seeds":[9],"width":256,"height":256,"kind":"flash"}','{"language": "en", "line": "a failure that nobody has seen --ar 1:1 --n 1 --seed 9 --flash", "private": true, "reply_to": 37, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash:256x256',0.262144,0,'failed','{"type":"failed","code":"internal","message":"RuntimeError: boom","retryable":false}',1,0,0,0,0,NULL,1799999984.14,1799999984.18,1799999984.23,1799999984.35,1799999984.37,NULL);
INSERT INTO "jobs" VALUES(14,602090885,1001,1001,40,'{"prompt":"a death","seeds":[9],"width":256,"height":256,"kind":"flash"}','{"language": "en", "line": "a death --ar 1:1 --n 1 --seed 9 --flash", "private": true, "reply_to": 39, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash:256x256',0.262144,0,'dead','{"type":"failed","code":"internal","message":"RuntimeError: boom","retryable":false}',1,0,0,0,0,NULL,1799999984.67,1799999984.73,1799999984.82,1799999985.17,1799999985.18,1799999985.37);
INSERT INTO "jobs" VALUES(15,602090896,1001,1001,42,'{"prompt":"a fox","seeds":[29000],"kind":"beautify"}','{"language": "en", "line": "a fox --n 1 --seed 10", "private": true, "reply_to": 41, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','beautify:0x0',40.0,0,'done','{"type":"finished","pictures":[],"texts":["a fox in deep snow"],"notes":[],"engine_seconds":0.0}',1,0,0,0,0,NULL,1799999985.64,1799999985.81,1799999985.86,1799999985.95,1799999985.97,1799999986.06);
INSERT INTO "jobs" VALUES(16,602090969,1001,1001,59,'{"prompt":"a blue evening","seeds":[12],"width":320,"height":192,"negative_prompt":"","negative_mode":"sane","steps":50,"guidance_scale":7.5,"eta":1.0,"kind":"mix","images":[{"blob":"b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e","width":192,"height":128,"weight":1.0}],"image_scale":0.7}','{"language": "en", "line": "a blue evening --n 1 --seed 12", "private": true, "reply_to": 58, "thread": null, "action": "restyle", "key": null, "parent_id": null, "parents": [{"picture_id": null, "upload_id": 11}], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','mix:320x192',6.144,0,'done','{"type":"finished","pictures":[{"tile":0,"blob":"d0e2ce7e9d38f636b8ead78bc94e55e5832b6604cbec430e4d37db1a4d4dcc32","width":320,"height":192,"recipe":{"request":{"prompt":"a blue evening","seeds":[12],"width":320,"height":192,"negative_prompt":"","negative_mode":"sane","steps":50,"guidance_scale":7.5,"eta":1.0,"kind":"mix","images":[{"blob":"b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e","width":192,"height":128,"weight":1.0}],"image_scale":0.7},"tile":0,"checkpoints":{"unet":"squares"},"code_version":"0.1.0"}}],"texts":[],"notes":[],"engine_seconds":1.234}',1,0,0,0,0,NULL,1799999996.51,1799999996.55,1799999996.56,1799999996.67,1799999996.69,1799999996.84);
INSERT INTO "jobs" VALUES(17,602091012,2001,2001,NULL,'{"prompt":"circle of 2001","seeds":[2001],"width":256,"height":256,"kind":"flash"}','{"language": "ru", "line": "circle of 2001 --ar 1:1 --n 1 --seed 2001 --flash", "private": true, "reply_to": 61, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash:256x256',0.262144,0,'new',NULL,0,0,0,0,0,NULL,1799999997.28,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(18,602091014,2002,2002,64,'{"prompt":"circle of 2002","seeds":[2002],"width":256,"height":256,"kind":"flash"}','{"language": "en", "line": "circle of 2002 --ar 1:1 --n 1 --seed 2002 --flash", "private": true, "reply_to": 63, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash:256x256',0.262144,0,'queued',NULL,0,0,0,0,0,NULL,1799999997.53,1799999997.64,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(19,602091018,2003,2003,66,'{"prompt":"circle of 2003","seeds":[2003],"width":256,"height":256,"kind":"flash"}','{"language": "ru", "line": "circle of 2003 --ar 1:1 --n 1 --seed 2003 --flash", "private": true, "reply_to": 65, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash:256x256',0.262144,0,'sent',NULL,1,0,0,0,0,NULL,1799999998.02,1799999998.12,1799999998.12,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(20,602091022,2004,2004,68,'{"prompt":"circle of 2004","seeds":[2004],"width":256,"height":256,"kind":"flash"}','{"language": "en", "line": "circle of 2004 --ar 1:1 --n 1 --seed 2004 --flash", "private": true, "reply_to": 67, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash:256x256',0.262144,0,'running',NULL,1,0,0,0,0,NULL,1799999998.37,1799999998.39,1799999998.39,1799999998.39,NULL,NULL);
INSERT INTO "jobs" VALUES(21,602091025,2005,2005,70,'{"prompt":"circle of 2005","seeds":[2005],"width":256,"height":256,"kind":"flash"}','{"language": "ru", "line": "circle of 2005 --ar 1:1 --n 1 --seed 2005 --flash", "private": true, "reply_to": 69, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash:256x256',0.262144,0,'retry_wait',NULL,1,1,0,0,0,1799999998.54,1799999998.52,1799999998.54,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(22,602091027,2006,2006,72,'{"prompt":"circle of 2006","seeds":[2006],"width":256,"height":256,"kind":"flash"}','{"language": "en", "line": "circle of 2006 --ar 1:1 --n 1 --seed 2006 --flash", "private": true, "reply_to": 71, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash:256x256',0.262144,0,'cancelled','{"type":"cancelled"}',0,0,0,0,0,NULL,1799999998.72,1799999998.87,NULL,NULL,1799999998.87,NULL);
INSERT INTO "jobs" VALUES(23,602091030,2007,2007,74,'{"prompt":"circle of 2007","seeds":[2007],"width":256,"height":256,"kind":"flash"}','{"language": "ru", "line": "circle of 2007 --ar 1:1 --n 1 --seed 2007 --flash", "private": true, "reply_to": 73, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash:256x256',0.262144,0,'queued',NULL,0,0,0,0,0,NULL,1799999999.09,1799999999.16,NULL,NULL,NULL,NULL);
INSERT INTO "jobs" VALUES(24,602091033,2008,2008,76,'{"prompt":"circle of 2008","seeds":[2008],"width":256,"height":256,"kind":"flash"}','{"language": "en", "line": "circle of 2008 --ar 1:1 --n 1 --seed 2008 --flash", "private": true, "reply_to": 75, "thread": null, "action": "draw", "key": null, "parent_id": null, "parents": [], "remarks": [], "unknown": [], "own_words": "", "then": null, "translating": "", "follows": null}','flash:256x256',0.262144,0,'cancelled','{"type":"cancelled"}',0,0,0,0,0,NULL,1799999999.41,1799999999.52,NULL,NULL,1799999999.68,1799999999.69);
CREATE TABLE owners (
	owner_id BIGINT NOT NULL, 
	virtual_time DOUBLE DEFAULT '0' NOT NULL, 
	weight DOUBLE DEFAULT '1' NOT NULL, 
	CONSTRAINT pk_owners PRIMARY KEY (owner_id)
);
INSERT INTO "owners" VALUES(1001,1.22156032000000024594e+02,1.0);
INSERT INTO "owners" VALUES(1003,49.568256,1.0);
INSERT INTO "owners" VALUES(2001,1.22418176000000030964e+02,1.0);
INSERT INTO "owners" VALUES(2002,1.22680320000000037334e+02,1.0);
INSERT INTO "owners" VALUES(2003,1.22418176000000030964e+02,1.0);
INSERT INTO "owners" VALUES(2004,1.22418176000000030964e+02,1.0);
INSERT INTO "owners" VALUES(2005,1.22418176000000030964e+02,1.0);
INSERT INTO "owners" VALUES(2006,1.22418176000000030964e+02,1.0);
INSERT INTO "owners" VALUES(2007,1.22418176000000030964e+02,1.0);
INSERT INTO "owners" VALUES(2008,1.22418176000000030964e+02,1.0);
CREATE TABLE people (
	id BIGINT NOT NULL, 
	language VARCHAR(8), 
	client_language VARCHAR(35), 
	mode VARCHAR(16), 
	size VARCHAR(16), 
	count INTEGER, 
	style VARCHAR(32), 
	blocked_at DOUBLE, 
	created_at DOUBLE NOT NULL, 
	CONSTRAINT pk_people PRIMARY KEY (id)
);
INSERT INTO "people" VALUES(1001,NULL,'en',NULL,NULL,NULL,NULL,NULL,1799999969.67);
INSERT INTO "people" VALUES(1003,NULL,'ru',NULL,NULL,NULL,NULL,NULL,1799999975.44);
INSERT INTO "people" VALUES(2001,NULL,'ru',NULL,NULL,NULL,NULL,NULL,1799999997.26);
INSERT INTO "people" VALUES(2002,NULL,'en',NULL,NULL,NULL,NULL,NULL,1799999997.48);
INSERT INTO "people" VALUES(2003,NULL,'ru',NULL,NULL,NULL,NULL,NULL,1799999997.96);
INSERT INTO "people" VALUES(2004,NULL,'en',NULL,NULL,NULL,NULL,NULL,1799999998.33);
INSERT INTO "people" VALUES(2005,NULL,'ru',NULL,NULL,NULL,NULL,NULL,1799999998.51);
INSERT INTO "people" VALUES(2006,NULL,'en',NULL,NULL,NULL,NULL,NULL,1799999998.7);
INSERT INTO "people" VALUES(2007,NULL,'ru',NULL,NULL,NULL,NULL,1799999999.06,1799999999.06);
INSERT INTO "people" VALUES(2008,NULL,'en',NULL,NULL,NULL,NULL,NULL,1799999999.37);
CREATE TABLE picture_parents (
	picture_id INTEGER NOT NULL, 
	place INTEGER NOT NULL, 
	parent_id INTEGER, 
	upload_id INTEGER, 
	CONSTRAINT pk_picture_parents PRIMARY KEY (picture_id, place), 
	CONSTRAINT ck_picture_parents_one_parent CHECK ((parent_id is null) <> (upload_id is null)), 
	CONSTRAINT fk_picture_parents_picture_id_pictures FOREIGN KEY(picture_id) REFERENCES pictures (id), 
	CONSTRAINT fk_picture_parents_parent_id_pictures FOREIGN KEY(parent_id) REFERENCES pictures (id), 
	CONSTRAINT fk_picture_parents_upload_id_uploads FOREIGN KEY(upload_id) REFERENCES uploads (id)
);
INSERT INTO "picture_parents" VALUES(3,0,2,NULL);
INSERT INTO "picture_parents" VALUES(4,0,2,NULL);
INSERT INTO "picture_parents" VALUES(8,0,NULL,2);
INSERT INTO "picture_parents" VALUES(9,0,NULL,3);
INSERT INTO "picture_parents" VALUES(9,1,NULL,4);
INSERT INTO "picture_parents" VALUES(10,0,NULL,5);
INSERT INTO "picture_parents" VALUES(11,0,NULL,6);
INSERT INTO "picture_parents" VALUES(12,0,NULL,11);
CREATE TABLE pictures (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	job_id INTEGER NOT NULL, 
	tile INTEGER NOT NULL, 
	blob VARCHAR(64) NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	recipe JSON NOT NULL, 
	owner_id BIGINT NOT NULL, 
	chat_id BIGINT NOT NULL, 
	parent_id INTEGER, 
	starred_at DOUBLE, 
	deleted_at DOUBLE, 
	created_at DOUBLE NOT NULL, 
	CONSTRAINT fk_pictures_job_id_jobs FOREIGN KEY(job_id) REFERENCES jobs (id), 
	CONSTRAINT fk_pictures_parent_id_pictures FOREIGN KEY(parent_id) REFERENCES pictures (id), 
	CONSTRAINT uq_pictures_job_id_tile UNIQUE (job_id, tile)
);
INSERT INTO "pictures" VALUES(1,1,0,'b28002972154fbc8e7a0b3b3e11bd73a9dd5148ba2c74f8a3164dc79ff579367',256,256,'{"request": {"prompt": "a red circle", "seeds": [1, 2], "width": 256, "height": 256, "kind": "flash"}, "tile": 0, "checkpoints": {"unet": "squares"}, "code_version": "0.1.0"}',1001,1001,NULL,NULL,NULL,1799999971.46);
INSERT INTO "pictures" VALUES(2,1,1,'97e50d698953fc0638d0656af0f5ec942da167ec5ac8fe3f51acaf010a2a2751',256,256,'{"request": {"prompt": "a red circle", "seeds": [1, 2], "width": 256, "height": 256, "kind": "flash"}, "tile": 1, "checkpoints": {"unet": "squares"}, "code_version": "0.1.0"}',1001,1001,NULL,1799999972.38,NULL,1799999971.46);
INSERT INTO "pictures" VALUES(3,2,0,'d2e99b7f315138910d676ef708199bc7e1becb2fbab9c205df13c28696680e6b',256,256,'{"request": {"prompt": "a red circle", "seeds": [2], "width": 256, "height": 256, "negative_prompt": "", "negative_mode": "sane", "steps": 25, "guidance_scale": 3.0, "eta": 1.0, "kind": "refine", "image": {"blob": "97e50d698953fc0638d0656af0f5ec942da167ec5ac8fe3f51acaf010a2a2751", "width": 256, "height": 256}, "strength": 0.3}, "tile": 0, "checkpoints": {"unet": "squares"}, "code_version": "0.1.0"}',1001,1001,2,NULL,NULL,1799999973.53);
INSERT INTO "pictures" VALUES(4,3,0,'4b196ceae3f8d1176638236363e5bd3296741749c4c85890c9cbd49af11acb6e',512,512,'{"request": {"kind": "flash_x2", "image": {"blob": "97e50d698953fc0638d0656af0f5ec942da167ec5ac8fe3f51acaf010a2a2751", "width": 256, "height": 256}, "seeds": [10000], "refine": true, "exact_official_resize": false}, "tile": 0, "checkpoints": {"unet": "squares"}, "code_version": "0.1.0"}',1001,1001,2,NULL,NULL,1799999974.63);
INSERT INTO "pictures" VALUES(6,6,0,'5cf48dde0a58f509c391cdec4830f523ccf55e906234637f7eb37faba0805a99',256,256,'{"request": {"prompt": "a fox", "seeds": [2], "width": 256, "height": 256, "kind": "flash"}, "tile": 0, "checkpoints": {"unet": "squares"}, "code_version": "0.1.0"}',1003,1003,NULL,NULL,NULL,1799999976.03);
INSERT INTO "pictures" VALUES(7,7,0,'197469bb16e7ba6659fbf3d4310ab0ef23202ae786b756df0d6fbb450f9eaf6d',256,256,'{"request": {"prompt": "a green circle", "seeds": [3], "width": 256, "height": 256, "kind": "flash"}, "tile": 0, "checkpoints": {"unet": "squares"}, "code_version": "0.1.0"}',1001,-500,NULL,NULL,NULL,1799999976.85);
INSERT INTO "pictures" VALUES(8,8,0,'ed8d5e3d6b698ec7f516e3b2cfb8040495b89c7a8fa032641d5588982edf87fb',320,192,'{"request": {"prompt": "", "seeds": [5], "width": 320, "height": 192, "negative_prompt": "", "negative_mode": "sane", "steps": 50, "guidance_scale": 7.5, "eta": 1.0, "kind": "mix", "images": [{"blob": "b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e", "width": 192, "height": 128, "weight": 1.0}], "image_scale": 1.0}, "tile": 0, "checkpoints": {"unet": "squares"}, "code_version": "0.1.0"}',1001,1001,NULL,NULL,NULL,1799999977.63);
INSERT INTO "pictures" VALUES(9,9,0,'74d05e26c66a769ffcd616c7941e5715d6e2a5f0b685c8c1ca274f38bed9151f',320,192,'{"request": {"prompt": "a bridge", "seeds": [6], "width": 320, "height": 192, "negative_prompt": "", "negative_mode": "sane", "steps": 50, "guidance_scale": 7.0, "eta": 1.0, "kind": "scribble", "image": {"blob": "b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e", "width": 192, "height": 128}, "drawn": false, "scale": 1.0, "start": 0.0, "end": 1.0, "styles": [{"blob": "f1f33be1b818b18a1a9b0ddbdcf644d1ae646b389efdd0a5d2511cbff0e23498", "width": 192, "height": 128, "weight": 1.0}], "style_scale": 1.0, "hint_range": [0.0, 1.0]}, "tile": 0, "checkpoints": {"unet": "squares"}, "code_version": "0.1.0"}',1001,1001,NULL,NULL,NULL,1799999979.37);
INSERT INTO "pictures" VALUES(10,10,0,'d1e8f87838b19aa171f9318ce1e07a8e0e354a8acc97d18e844eabf648253cbe',288,128,'{"request": {"prompt": "a sea", "seeds": [7], "negative_prompt": "", "negative_mode": "sane", "steps": 50, "guidance_scale": 4.0, "eta": 1.0, "kind": "outpaint", "image": {"blob": "f1f33be1b818b18a1a9b0ddbdcf644d1ae646b389efdd0a5d2511cbff0e23498", "width": 192, "height": 128}, "width": 288, "height": 128, "box": [0, 0, 192, 128], "native_side": 256}, "tile": 0, "checkpoints": {"unet": "squares"}, "code_version": "0.1.0"}',1001,1001,NULL,NULL,NULL,1799999980.11);
INSERT INTO "pictures" VALUES(11,11,0,'67e5d419c427c37d669f72f70a1d4f5065821ebfe60ad52851802422ab52f48d',192,128,'{"request": {"prompt": "a kite", "seeds": [8], "negative_prompt": "", "negative_mode": "sane", "steps": 50, "guidance_scale": 4.0, "eta": 1.0, "kind": "inpaint", "image": {"blob": "b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e", "width": 192, "height": 128}, "mask": "b71882101da878da32b70fa8ccdcdc37e4c3fca3c12ac575575acd91c899b851", "focus": true, "paste": true, "native_side": 256}, "tile": 0, "checkpoints": {"unet": "squares"}, "code_version": "0.1.0"}',1001,1001,NULL,NULL,NULL,1799999982.58);
INSERT INTO "pictures" VALUES(12,16,0,'d0e2ce7e9d38f636b8ead78bc94e55e5832b6604cbec430e4d37db1a4d4dcc32',320,192,'{"request": {"prompt": "a blue evening", "seeds": [12], "width": 320, "height": 192, "negative_prompt": "", "negative_mode": "sane", "steps": 50, "guidance_scale": 7.5, "eta": 1.0, "kind": "mix", "images": [{"blob": "b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e", "width": 192, "height": 128, "weight": 1.0}], "image_scale": 0.7}, "tile": 0, "checkpoints": {"unet": "squares"}, "code_version": "0.1.0"}',1001,1001,NULL,NULL,NULL,1799999996.74);
CREATE TABLE posts (
	chat_id BIGINT NOT NULL, 
	message_id BIGINT NOT NULL, 
	job_id INTEGER, 
	picture_id INTEGER, 
	kind VARCHAR(16) NOT NULL, 
	file_id VARCHAR(255), 
	file_unique_id VARCHAR(64), 
	created_at DOUBLE NOT NULL, 
	CONSTRAINT pk_posts PRIMARY KEY (chat_id, message_id), 
	CONSTRAINT ck_posts_known_kind CHECK (kind in ('status', 'grid', 'single', 'file', 'page')), 
	CONSTRAINT fk_posts_job_id_jobs FOREIGN KEY(job_id) REFERENCES jobs (id), 
	CONSTRAINT fk_posts_picture_id_pictures FOREIGN KEY(picture_id) REFERENCES pictures (id)
);
INSERT INTO "posts" VALUES(1001,4,1,NULL,'grid','-KpP7tPAMTIzNDU2OmVMSlRLNktjN2h2UUJfMA','eLJTK6Kc7hvQB_0',1799999971.24);
INSERT INTO "posts" VALUES(1001,5,1,2,'single','Ls2Dmsd7MTIzNDU2OkRfSWF2aTgwQzdOV1BjYw','D_Iavi80C7NWPcc',1799999972.12);
INSERT INTO "posts" VALUES(1001,6,1,1,'file','4wT1ydY3MTIzNDU2OlE1cUxQaFRJSTIwUlNiYw','Q5qLPhTII20RSbc',1799999972.68);
INSERT INTO "posts" VALUES(1001,7,1,2,'file','2hlpeeI4MTIzNDU2OjVzc1o1eG1ncnRkZ09hVQ','5ssZ5xmgrtdgOaU',1799999972.71);
INSERT INTO "posts" VALUES(1001,8,2,3,'single','yP9htKSLMTIzNDU2OkNIS2IyTmZQWlZIbThHQQ','CHKb2NfPZVHm8GA',1799999973.21);
INSERT INTO "posts" VALUES(1001,10,3,4,'single','WdKw3EefMTIzNDU2OmVXZGJWZG91N3BnVGNxSQ','eWdbVdou7pgTcqI',1799999974.36);
INSERT INTO "posts" VALUES(1001,12,4,NULL,'status',NULL,NULL,1799999975.0);
INSERT INTO "posts" VALUES(1003,14,6,6,'single','plgU9pIZMTIzNDU2OnNHbUJvOXhUQXBkUDdjbw','sGmBo9xTApdP7co',1799999975.57);
INSERT INTO "posts" VALUES(-500,3,7,7,'single','1lGiFUd0MTIzNDU2OlBfa0lHcVVLblV0WGNDNA','P_kIGqUKnUtXcC4',1799999976.66);
INSERT INTO "posts" VALUES(1001,18,8,8,'single','YgGSIX_eMTIzNDU2OkFfZE04eHctOVkwM2cwaw','A_dM8xw-9Y03g0k',1799999977.43);
INSERT INTO "posts" VALUES(1001,21,9,9,'single','AYIu-_KxMTIzNDU2OlU1ZGxnOVFSVkNDRk83SQ','U5dlg9QRVCCFO7I',1799999979.16);
INSERT INTO "posts" VALUES(1001,23,10,10,'single','FX0yX308MTIzNDU2OkowcW5XbEdUTWxESUpPOA','J0qnWlGTMlDIJO8',1799999979.9);
INSERT INTO "posts" VALUES(1001,26,11,11,'single','M2ZdXr3NMTIzNDU2Olh4V2VERlRjVEJGSjRrdw','XxWeDFTcTBFJ4kw',1799999982.36);
INSERT INTO "posts" VALUES(1001,28,NULL,NULL,'page',NULL,NULL,1799999982.93);
INSERT INTO "posts" VALUES(1003,30,NULL,NULL,'page',NULL,NULL,1799999983.17);
INSERT INTO "posts" VALUES(1001,36,12,NULL,'status',NULL,NULL,1799999983.9);
INSERT INTO "posts" VALUES(1001,38,13,NULL,'status',NULL,NULL,1799999984.17);
INSERT INTO "posts" VALUES(1001,40,14,NULL,'status',NULL,NULL,1799999984.7);
INSERT INTO "posts" VALUES(1001,42,15,NULL,'status',NULL,NULL,1799999985.77);
INSERT INTO "posts" VALUES(1001,59,16,12,'single','ua3i7KqZMTIzNDU2OmsyLTJtY0g1dFJyanpOUQ','k2-2mcH5tRrjzNQ',1799999996.55);
INSERT INTO "posts" VALUES(2002,64,18,NULL,'status',NULL,NULL,1799999997.61);
INSERT INTO "posts" VALUES(2003,66,19,NULL,'status',NULL,NULL,1799999998.1);
INSERT INTO "posts" VALUES(2004,68,20,NULL,'status',NULL,NULL,1799999998.38);
INSERT INTO "posts" VALUES(2005,70,21,NULL,'status',NULL,NULL,1799999998.53);
INSERT INTO "posts" VALUES(2006,72,22,NULL,'status',NULL,NULL,1799999998.79);
INSERT INTO "posts" VALUES(2007,74,23,NULL,'status',NULL,NULL,1799999999.12);
INSERT INTO "posts" VALUES(2008,76,24,NULL,'status',NULL,NULL,1799999999.47);
CREATE TABLE sendings (
	chat_id BIGINT NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	"after" BIGINT, 
	created_at DOUBLE NOT NULL, 
	CONSTRAINT pk_sendings PRIMARY KEY (chat_id, "key")
);
INSERT INTO "sendings" VALUES(2001,'status:17',61,1799999997.32);
CREATE TABLE speeds (
	compatibility VARCHAR(64) NOT NULL, 
	seconds_per_unit DOUBLE NOT NULL, 
	measured_at DOUBLE NOT NULL, 
	CONSTRAINT pk_speeds PRIMARY KEY (compatibility)
);
INSERT INTO "speeds" VALUES('flash:256x256',2.69640043071284196685e-04,1799999976.84);
INSERT INTO "speeds" VALUES('refine:256x256',1.38622827502591218322e-04,1799999973.49);
INSERT INTO "speeds" VALUES('flash_x2:512x512',8.01284788520817414791e-05,1799999974.58);
INSERT INTO "speeds" VALUES('full:256x256',1.34757999203927170128e-05,1799999975.21);
INSERT INTO "speeds" VALUES('translate:0x0',4.10114998885546777054e-06,1799999975.79);
INSERT INTO "speeds" VALUES('mix:320x192',1.67766926277105702944e-05,1799999996.69);
INSERT INTO "speeds" VALUES('scribble:320x192',1.42324220557081080598e-05,1799999979.34);
INSERT INTO "speeds" VALUES('outpaint:256x256',1.2122802761638240554e-05,1799999980.1);
INSERT INTO "speeds" VALUES('inpaint:256x256',1.02027891690781302713e-05,1799999982.56);
INSERT INTO "speeds" VALUES('beautify:0x0',4.18154995713848603696e-06,1799999985.96);
CREATE TABLE uploads (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	owner_id BIGINT NOT NULL, 
	chat_id BIGINT NOT NULL, 
	message_id BIGINT, 
	blob VARCHAR(64) NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	file_unique_id VARCHAR(64), 
	created_at DOUBLE NOT NULL
, bytes BIGINT);
INSERT INTO "uploads" VALUES(1,1001,1001,1,'dac33c3a19fe7595ffa050fb006585d26e6e74f442f4b93e7bb0852d636483c5',1100,1100,'MidiEgElmXN8ZGw',1799999970.91,6002);
INSERT INTO "uploads" VALUES(2,1001,1001,17,'b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e',192,128,'p9z9h-CV8ybIwkI',1799999977.3,1014);
INSERT INTO "uploads" VALUES(3,1001,1001,19,'b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e',192,128,'-3XOanrQFOVl9cg',1799999978.94,1014);
INSERT INTO "uploads" VALUES(4,1001,1001,20,'f1f33be1b818b18a1a9b0ddbdcf644d1ae646b389efdd0a5d2511cbff0e23498',192,128,'08fd8A9UMjFT09I',1799999979.08,1014);
INSERT INTO "uploads" VALUES(5,1001,1001,22,'f1f33be1b818b18a1a9b0ddbdcf644d1ae646b389efdd0a5d2511cbff0e23498',192,128,'1wT1sih185jGx8I',1799999979.84,1014);
INSERT INTO "uploads" VALUES(6,1001,1001,24,'b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e',192,128,'cpFBdyXxCjL89cI',1799999981.5,1014);
INSERT INTO "uploads" VALUES(7,1001,1001,43,'b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e',192,128,'5WoscDqnM4CmlfQ',1799999987.19,1014);
INSERT INTO "uploads" VALUES(8,1001,1001,44,'f1f33be1b818b18a1a9b0ddbdcf644d1ae646b389efdd0a5d2511cbff0e23498',192,128,'gPNypAjg2HFQgRk',1799999987.28,1014);
INSERT INTO "uploads" VALUES(9,1003,1003,50,'82993e65fa27cef1491c6439ba9d68cb9651e3d717491707d086866dad6f2b54',192,128,'F4QHS-63i9XIQZk',1799999988.11,1013);
INSERT INTO "uploads" VALUES(10,1001,1001,51,'82993e65fa27cef1491c6439ba9d68cb9651e3d717491707d086866dad6f2b54',192,128,'2gpEBHmBfaBlHII',1799999989.72,1013);
INSERT INTO "uploads" VALUES(11,1001,1001,58,'b167f12c17a4d89d673fa00b9a224e98a91ce0a28f97394165a0b76981dbe57e',192,128,'Bu6lUaycTikd6L0',1799999996.5,1014);
CREATE INDEX ix_jobs_owner_id_jobs_state ON jobs (owner_id, state);
CREATE INDEX ix_jobs_shown_at ON jobs (shown_at);
CREATE INDEX ix_jobs_state_jobs_owner_id ON jobs (state, owner_id);
CREATE INDEX ix_pictures_blob ON pictures (blob);
CREATE INDEX ix_pictures_owner_id_pictures_created_at ON pictures (owner_id, created_at);
CREATE INDEX ix_pictures_parent_id ON pictures (parent_id);
CREATE INDEX ix_posts_file_unique_id ON posts (file_unique_id);
CREATE INDEX ix_posts_job_id ON posts (job_id);
CREATE INDEX ix_posts_picture_id ON posts (picture_id);
CREATE INDEX ix_uploads_blob ON uploads (blob);
CREATE INDEX ix_uploads_owner_id_uploads_file_unique_id ON uploads (owner_id, file_unique_id);
CREATE INDEX ix_picture_parents_parent_id ON picture_parents (parent_id);
CREATE INDEX ix_picture_parents_upload_id ON picture_parents (upload_id);
CREATE INDEX ix_drafts_owner_id_drafts_chat_id_drafts_kind ON drafts (owner_id, chat_id, kind);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('uploads',11);
INSERT INTO "sqlite_sequence" VALUES('drafts',10);
INSERT INTO "sqlite_sequence" VALUES('jobs',24);
INSERT INTO "sqlite_sequence" VALUES('pictures',12);
COMMIT;
