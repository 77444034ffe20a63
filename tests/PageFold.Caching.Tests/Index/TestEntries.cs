using PageFold.Caching.Index;

namespace PageFold.Caching.Tests.Index;

/// <summary>Locations that tell their key, so that a wrong one is found: the key in the low 24 bits, above it a version.</summary>
internal static class TestEntries
{
    private const int KeyBits = 24;
    private const int VersionBits = 11;

    public static ulong Location(uint key, int version) => (ulong)(uint)(version & (1 << VersionBits) - 1) << KeyBits | key;

    public static uint KeyAt(ulong location) => (uint)location & (1 << KeyBits) - 1;

    public static int VersionAt(ulong location) => (int)(location >> KeyBits);

    /// <summary>The same key's location after it moved.</summary>
    public static ulong Moved(ulong location) => Location(KeyAt(location), VersionAt(location) + 1);

    public static bool TryFind(ref this SharedKey held, uint key, out EntryPlace place, out ulong location)
    {
        while (held.TryNext(out place, out location))
        {
            if (KeyAt(location) == key)
                return true;
        }
        return false;
    }

    public static bool TryFind(ref this ExclusiveKey<TestHashes> held, uint key, out EntryPlace place, out ulong location)
    {
        held.Restart();
        while (held.TryNext(out place, out location))
        {
            if (KeyAt(location) == key)
                return true;
        }
        return false;
    }
}

/// <summary>Hashes of test entries. A short mask makes hashes collide.</summary>
internal readonly struct TestHashes(uint mask = int.MaxValue) : IEntryHashes
{
    private readonly uint _mask = mask;

    public static TestHashes Default { get; } = new(int.MaxValue);

    public uint Of(uint key)
    {
        ulong mixed = (key + 1) * 0x9E3779B97F4A7C15;
        mixed = (mixed ^ mixed >> 32) * 0xD6E8FEB86659FD93;
        return (uint)(mixed >> 33) & _mask;
    }

    public uint HashAt(ulong location) => Of(TestEntries.KeyAt(location));
}
