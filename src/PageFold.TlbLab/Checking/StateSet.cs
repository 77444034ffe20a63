using System.Runtime.InteropServices;

namespace PageFold.TlbLab;

/// <summary>The states found so far, in the order in which they were found, each with the transition that led to it.</summary>
/// <remarks>
/// A hash table with open addressing. Each of its places has eight bytes: the state's number and a part of its hash, so that few other
/// states are compared. A set can be cleared and filled again. Not thread-safe.
/// </remarks>
internal sealed class StateSet
{
    private const int FirstCapacity = 1 << 12;

    private MachineState[] _states = new MachineState[FirstCapacity];
    private Arrival[] _arrivals = new Arrival[FirstCapacity];
    private ulong[] _places = new ulong[2 * FirstCapacity];
    private int _mask = 2 * FirstCapacity - 1;

    public int Count { get; private set; }

    public ref readonly MachineState this[int index] => ref _states[index];

    public Arrival ArrivalAt(int index) => _arrivals[index];

    /// <summary>Removes all states.</summary>
    public void Clear()
    {
        _places.AsSpan().Clear();
        Count = 0;
    }

    /// <summary>Adds a state unless the set contains it.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory for more; the set is unchanged.</exception>
    public bool TryAdd(in MachineState state, Arrival arrival)
    {
        ulong hash = state.Hash();
        // High half: the hash. Low half: the number of the state, from 1.
        ulong mark = hash & 0xFFFF_FFFF_0000_0000;
        int place = (int)(uint)hash & _mask;
        for (; _places[place] != 0; place = (place + 1) & _mask)
        {
            if ((_places[place] & 0xFFFF_FFFF_0000_0000) == mark && _states[(int)(uint)_places[place] - 1].Equals(state))
                return false;
        }
        if (Count == _states.Length)
        {
            Grow();
            for (place = (int)(uint)hash & _mask; _places[place] != 0;)
                place = (place + 1) & _mask;
        }
        _states[Count] = state;
        _arrivals[Count++] = arrival;
        _places[place] = mark | (uint)Count;
        return true;
    }

    private void Grow()
    {
        // Allocates everything before it changes anything, in case memory is missing.
        MachineState[] states = new MachineState[2 * _states.Length];
        Arrival[] arrivals = new Arrival[2 * _arrivals.Length];
        ulong[] places = new ulong[2 * _places.Length];
        _states.CopyTo(states, 0);
        _arrivals.CopyTo(arrivals, 0);
        (_states, _arrivals, _places) = (states, arrivals, places);
        _mask = places.Length - 1;
        for (int index = 0; index < Count; index++)
        {
            ulong hash = _states[index].Hash();
            int place = (int)(uint)hash & _mask;
            while (_places[place] != 0)
                place = (place + 1) & _mask;
            _places[place] = hash & 0xFFFF_FFFF_0000_0000 | (uint)(index + 1);
        }
    }
}

/// <summary>The transition that first led to a state.</summary>
/// <param name="From">The number of the state before; -1 for the first state.</param>
/// <param name="By">The transition.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Arrival(int From, Transition By);
