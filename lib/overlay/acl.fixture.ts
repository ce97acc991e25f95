/** A POSIX ACL as the kernel takes it in an attribute. linux/posix_acl_xattr.h. For tests. */

const USER_OBJ = 1;
const USER = 2;
const GROUP_OBJ = 4;
const MASK = 0x10;
const OTHER = 0x20;
const NOBODY_IN_PARTICULAR = 0xffffffff;

/** The owner may read and write, `uid` may read, the group and others nothing; the mode is 0640. */
export function aclFor(uid: number): Buffer {
  const entries = [
    [USER_OBJ, 6, NOBODY_IN_PARTICULAR],
    [USER, 4, uid],
    [GROUP_OBJ, 0, NOBODY_IN_PARTICULAR],
    [MASK, 4, NOBODY_IN_PARTICULAR],
    [OTHER, 0, NOBODY_IN_PARTICULAR],
  ] as const;
  const bytes = Buffer.alloc(4 + 8 * entries.length);
  bytes.writeUInt32LE(2);
  for (const [index, [tag, permissions, id]] of entries.entries()) {
    const at = 4 + 8 * index;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(permissions, at + 2);
    bytes.writeUInt32LE(id, at + 4);
  }
  return bytes;
}
