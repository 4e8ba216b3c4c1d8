# tests the autoscalers' algorithms and their simulation
check "the autoscalers' algorithms and their simulation" python3 -m unittest discover -s tools/scaling
