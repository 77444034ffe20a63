namespace PageFold.Caching.Eviction;

/// <summary>What the eviction needs of the index: the entries of the small and the main part, and their hits.</summary>
/// <remarks>
/// <para>
/// Implemented by readonly structs, so that the policy's calls are direct. All methods are called under the eviction lock, never inside a
/// bucket lock, and may take bucket locks. Entries may be removed, replaced, added and moved by other threads between any two calls: a
/// method that gets a <see cref="Resident"/> looks the entry up again, by its position or its hash, and answers false if it is not there
/// any more. Two live entries may share a hash; which of the two is taken does not matter. Pinned entries are neither counted nor returned.
/// </para>
/// <para>The counts may lag behind for as long as an operation of another thread lasts.</para>
/// </remarks>
internal interface IResidents
{
    /// <summary>Gets the number of entries of the small part.</summary>
    public long SmallEntries { get; }

    /// <summary>Gets the bytes of the entries of the small part.</summary>
    public long SmallBytes { get; }

    /// <summary>Gets the number of entries of the main part.</summary>
    public long MainEntries { get; }

    /// <summary>Gets the bytes of the entries of the main part.</summary>
    public long MainBytes { get; }

    /// <summary>Gets how many calls of <see cref="TrySweep"/> look at all of the table.</summary>
    public long Sweeps { get; }

    /// <summary>Finds an entry of the small part by its hash.</summary>
    public bool TryFindSmall(uint hash, out Resident small);

    /// <summary>Moves an entry from the small to the main part and sets its frequency to zero.</summary>
    /// <param name="small">The entry.</param>
    /// <param name="stamp">What <see cref="Resident.Stamp"/> becomes; to be kept only if the objective is objects.</param>
    public bool TryPromote(in Resident small, byte stamp);

    /// <summary>Advances the hand to the next entry of the main part whose frequency is zero.</summary>
    /// <param name="passed">Receives the hashes of the entries that the hand passed, each of which lost one of its frequency.</param>
    /// <param name="passedCount">How many; when <paramref name="passed"/> is full, the last one is the victim, whatever its frequency
    /// is.</param>
    /// <param name="victim">The entry that was reached.</param>
    /// <returns>False if the main part has no entry, or none in as much of the table as may be looked at in one call.</returns>
    public bool TrySweep(Span<uint> passed, out int passedCount, out Resident victim);

    /// <summary>Picks entries of the main part at random; called only if the objective is objects.</summary>
    /// <param name="random">Random bits.</param>
    /// <param name="sample">Receives the entries; one may be there twice.</param>
    /// <returns>How many; zero if the main part is empty.</returns>
    public int Sample(ulong random, Span<Resident> sample);

    /// <summary>Moves an entry of the main part to another time; called only if the objective is objects.</summary>
    /// <param name="main">The entry.</param>
    /// <param name="stamp">Its new <see cref="Resident.Stamp"/>; its frequency becomes zero.</param>
    public void Restamp(in Resident main, byte stamp);

    /// <summary>Removes an entry from the cache because of its capacity.</summary>
    public bool TryEvict(in Resident entry);
}
