namespace PageFold.Caching.Eviction;

/// <summary>An entry of the cache as the eviction sees it: a copy, which may be out of date at once.</summary>
/// <param name="Hash">The key's keyed hash, 31 bits.</param>
/// <param name="Position">Where the index found the entry; only the index reads it, as a hint.</param>
/// <param name="Frequency">Hits since the entry came or the hand passed it, 0 to 3.</param>
/// <param name="Bytes">What the entry holds.</param>
/// <param name="Stamp">When it went to the main part, by the policy's clock of eight bits; 0 unless the objective is objects.</param>
internal readonly record struct Resident(uint Hash, long Position, int Frequency, long Bytes, byte Stamp = 0);
